// What /init does to the guest: the hosts file, NFS volumes, certificates; envd-http.md 5.4 and 8.5.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withNames } from "../../envd/hosts.ts";
import { decodeText, encodeText } from "../../sys/bytes.ts";
import { hangLimit } from "../agent.ts";
import { LogFile } from "../log-file.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

const names = ["events.wrenn.local", "events.e2b.local"];
const entries = names.map((name) => `192.0.2.1\t${name}\n`).join("");

describe("the hosts file", () => {
  function withEvents(text: string, address = "192.0.2.1"): string | undefined {
    const changed = withNames(encodeText(text), address, names);
    return changed === undefined ? undefined : decodeText(changed, 0, changed.length);
  }

  test.each([
    ["an empty file", "", entries],
    ["others stay", "# a\n127.0.0.1 localhost\n\n::1\tlocalhost # b\n", `# a\n127.0.0.1 localhost\n\n::1\tlocalhost # b\n${entries}`],
    ["no newline at the end", "127.0.0.1 localhost", `127.0.0.1 localhost\n${entries}`],
    ["another address of the name goes", "10.0.0.1 events.e2b.local\n127.0.0.1 a\n", `127.0.0.1 a\n${entries}`],
    ["other names of its line stay", "10.0.0.1 a events.e2b.local b # c\n", `10.0.0.1\ta\tb\t# c\n${entries}`],
    ["a comment of a line that goes stays", "10.0.0.1 events.e2b.local # c\n10.0.0.2 events.wrenn.local#d\n", `# c\n#d\n${entries}`.replace("# c", "10.0.0.1\t# c").replace("#d", "10.0.0.2\t#d").replaceAll(/10\.0\.0\.\d\t/g, "")],
    ["the other family stays", "2001:db8::1 events.e2b.local\n", `2001:db8::1 events.e2b.local\n${entries}`],
    ["a name in a comment is none", "# 10.0.0.1 events.e2b.local\n", `# 10.0.0.1 events.e2b.local\n${entries}`],
    ["a longer name is another", "10.0.0.1 my.events.e2b.local\n", `10.0.0.1 my.events.e2b.local\n${entries}`],
  ])("%s", (_, before, after) => {
    expect(withEvents(before)).toBe(after);
    expect(withEvents(after)).toBeUndefined();
  });

  test("bytes that are no text stay", () => {
    const before = new Uint8Array([0x23, 0xff, 0xfe, 0x0a]);
    expect([...(withNames(before, "192.0.2.1", names) ?? [])]).toEqual([...before, ...encodeText(entries)]);
  });

  test("both names on one line of ours are right as they are; an extra address goes", () => {
    expect(withEvents("192.0.2.1 x events.e2b.local events.wrenn.local\n")).toBeUndefined();
    expect(withEvents(`192.0.2.9 events.e2b.local\n${entries}`)).toBe(entries);
  });

  const before = "127.0.0.1 localhost\n# kept\n";
  const variables = { WRENN_EVENTS_ADDRESS: "http://192.0.2.1", E2B_EVENTS_ADDRESS: "http://192.0.2.1" };

  test.each(["hyperloopIP", "hyperloopIp"])("INI-34, INI-35: %s leads both names there, and a second time changes nothing", (field) =>
    Daemon.with({}, async (daemon) => {
      const inode = statSync(daemon.inside("/etc/hosts")).ino;
      expect((await daemon.init({ [field]: "192.0.2.1" })).status).toBe(204);
      expect(daemon.read("/etc/hosts").toString()).toBe(before + entries);
      expect(await daemon.envs()).toMatchObject(variables);
      const written = statSync(daemon.inside("/etc/hosts")).mtimeMs;
      expect((await daemon.init({ [field]: "192.0.2.1" })).status).toBe(204);
      expect(daemon.read("/etc/hosts").toString()).toBe(before + entries);
      const status = statSync(daemon.inside("/etc/hosts"));
      expect([status.ino, status.mtimeMs]).toEqual([inode, written]);
      // The variables are the daemon's: users cannot take them away.
      await daemon.init({ envVars: { E2B_EVENTS_ADDRESS: "x" } });
      expect(await daemon.envs()).toMatchObject(variables);
      expect((await daemon.init({ [field]: "2001:db8::1" })).status).toBe(204);
      expect(daemon.read("/etc/hosts").toString()).toBe(before + entries + entries.replaceAll("192.0.2.1", "2001:db8::1"));
      expect((await daemon.envs()).E2B_EVENTS_ADDRESS).toBe("http://2001:db8::1");
    }));

  test.each(["1.2.3.4\nevil", "not-an-ip", "localhost", "1.2.3", "1.2.3.256", "example.org", " 1.2.3.4", "[::1]", "1.2.3.4:80", "//1.2.3.4", "x+1.2.3.4", "::1%eth0"])(
    "INI-36, L190: %p is no address",
    (address) =>
      Daemon.with({}, async (daemon) => {
        expect((await daemon.init({ hyperloopIP: address, envVars: { A: "1" } })).status).toBe(204);
        expect(daemon.read("/etc/hosts").toString()).toBe(before);
        expect(await daemon.envs()).toEqual({ A: "1", WRENN_SANDBOX: "false", E2B_SANDBOX: "false" });
      }),
  );

  test("INI-37: a last line without its end", () =>
    Daemon.with({ setup: "printf '10.9.8.7 last' > /etc/hosts" }, async (daemon) => {
      await daemon.init({ hyperloopIP: "192.0.2.1" });
      expect(daemon.read("/etc/hosts").toString()).toBe(`10.9.8.7 last\n${entries}`);
    }));

  test("who reads it while it is written never finds it empty", () =>
    Daemon.with({}, async (daemon) => {
      const log = new LogFile();
      const reader = Bun.spawn({
        // Says that it reads, and when its input ends, how often the first line was missing.
        cmd: [process.execPath, "-e", `
          const { readFileSync } = require("node:fs");
          let [missing, isOver] = [0, false];
          process.stdin.on("end", () => { isOver = true; }).resume();
          const turn = () => {
            for (let i = 0; i < 100; i++) if (!readFileSync(process.argv[1], "latin1").startsWith("127.0.0.1 localhost")) missing++;
            if (isOver) console.log("missing", missing); else setImmediate(turn);
          };
          console.log("reading");
          turn();`, join(daemon.directory, "hosts")],
        stdio: ["pipe", log.fd, "inherit"],
      });
      await until("it reads", 20, () => log.text === "reading\n");
      for (let i = 0; i < 300; i++) await daemon.init({ hyperloopIP: i % 2 === 0 ? "192.0.2.100" : "192.0.2.1" });
      reader.stdin.end();
      await reader.exited;
      expect(log.text).toBe("reading\nmissing 0\n");
      log.close();
      expect(daemon.read("/etc/hosts").toString()).toBe(before + entries);
    }));

  test("a hosts file that cannot be written is no failure", () =>
    Daemon.with({ setup: "mount -o remount,bind,ro /etc/hosts" }, async (daemon) => {
      expect((await daemon.init({ hyperloopIP: "192.0.2.1" })).status).toBe(204);
      expect(daemon.read("/etc/hosts").toString()).toBe(before);
      expect((await daemon.envs()).E2B_EVENTS_ADDRESS).toBeUndefined();
    }));
});

describe("NFS volumes", () => {
  const options =
    "fg,hard,sync,rsize=1048576,wsize=1048576,mountproto=tcp,mountport=2049,proto=tcp,port=2049,nfsvers=3,noacl,noac,lookupcache=none";
  // What is run, one argument a line; in place of an NFS server there is memory.
  const programs = `
    mount -t tmpfs bin /usr/local/sbin
    cat > /usr/local/sbin/mount <<'END'
#!/bin/sh
{ echo "mount:"; printf '%s\\n' "$@"; } >> /srv/calls
for last; do :; done
[ -e /srv/fails ] && exit 32
[ -e /srv/hangs ] && exec sleep 1000
exec /bin/mount -t tmpfs volume -- "$last"
END
    cat > /usr/local/sbin/umount <<'END'
#!/bin/sh
{ echo "umount:"; printf '%s\\n' "$@"; } >> /srv/calls
[ -e /srv/hangs ] && exec sleep 1000
[ "$1" = -f ] && [ -e /srv/busy ] && exit 32
exec /bin/umount "$@"
END
    chmod 755 /usr/local/sbin/*`;
  const mountCall = (path: string): string => `mount:\n-t\nnfs\n-o\n${options}\n--\nserver:/x\n${path}\n`;
  const unmountCall = (path: string, how = "-f"): string => `umount:\n${how}\n--\n${path}\n`;

  function calls(daemon: Daemon): string {
    try {
      const text = daemon.read("/srv/calls").toString();
      writeFileSync(daemon.inside("/srv/calls"), "");
      return text;
    } catch {
      return "";
    }
  }

  function mount(daemon: Daemon, path: string, lifecycleID?: string): Promise<Response> {
    return daemon.init({ volumeMounts: [{ nfs_target: "server:/x", path }], ...(lifecycleID === undefined ? {} : { lifecycleID }) });
  }

  test("INI-38: mounted once for a life of the guest, and anew for the next", () =>
    Daemon.with({ setup: programs }, async (daemon) => {
      const path = "/srv/deep/volume";
      for (const [lifecycle, expected] of [
        ["one", mountCall(path)], ["one", ""], ["two", unmountCall(path) + mountCall(path)], ["two", ""],
        [undefined, unmountCall(path) + mountCall(path)], [undefined, ""],
      ] as const) {
        expect((await mount(daemon, path, lifecycle)).status).toBe(204);
        expect(calls(daemon)).toBe(expected);
        expect(daemon.read("/proc/self/mountinfo").toString().split(path).length).toBe(1);
      }
    }));

  test("what is mounted there already goes first, lazily where force does not help", () =>
    Daemon.with({ setup: `${programs}; mkdir /srv/old /srv/link; /bin/mount -t tmpfs old /srv/old; ln -s /srv /srv/link/here; touch /srv/busy` }, async (daemon) => {
      const path = "/srv/link/here/old";
      expect((await mount(daemon, path)).status).toBe(204);
      expect(calls(daemon)).toBe(unmountCall(path) + unmountCall(path, "-l") + mountCall(path));
    }));

  test("INI-39: a failure is told, and tried again; what came before it stays", () =>
    Daemon.with({ setup: `${programs}; touch /srv/fails` }, async (daemon) => {
      for (let i = 0; i < 2; i++) {
        const response = await daemon.init({ volumeMounts: [{ nfs_target: "server:/x", path: "/srv/v" }], envVars: { A: "1" }, lifecycleID: "one" });
        expect(response.status).toBe(400);
        expect(await response.text()).toBe("failed to setup NFS volumes: /srv/v: mount: exit code 32");
        expect(response.headers.get("x-envd-version")).not.toBeNull();
        expect((await daemon.envs()).A).toBe("1");
        expect(calls(daemon)).toBe(mountCall("/srv/v"));
      }
    }));

  test("INI-39: so is a directory that cannot be made, and no path at all", () =>
    Daemon.with({ setup: programs }, async (daemon) => {
      for (const path of ["/etc/hosts/x", "", "/srv/\0x", `/srv/${"x".repeat(300)}`]) {
        const response = await mount(daemon, path);
        expect(response.status).toBe(400);
        expect(await response.text()).toContain("failed to setup NFS volumes");
      }
      expect(calls(daemon)).toBe("");
    }));

  test("INI-39: one that hangs has 10 s, and holds up nobody", () =>
    Daemon.with({ setup: `${programs}; touch /srv/hangs` }, async (daemon) => {
      const start = performance.now();
      const mounting = mount(daemon, "/srv/v");
      await until("it is called", 5, () => calls(daemon) !== "");
      expect((await daemon.fetch("/health")).status).toBe(200);
      const response = await mounting;
      expect([response.status, await response.text()]).toEqual([400, "failed to setup NFS volumes: /srv/v: mount: timed out"]);
      expect(performance.now() - start).toBeGreaterThan(9_900);
      expect(performance.now() - start).toBeLessThan(30_000);
      await until("nothing is left of it", 5, () => Bun.spawnSync(["pgrep", "-P", `${daemon.pid}`]).stdout.length === 0);
    }));

  test.each(["; rm -rf x", "$(reboot)", "a b\t'\"", "-o", "\n"])("INI-40: a path of %p is one word, of no shell", (name) =>
    Daemon.with({ setup: programs }, async (daemon) => {
      const path = `/srv/${name}`;
      expect((await mount(daemon, path)).status).toBe(204);
      expect(calls(daemon)).toBe(mountCall(path));
    }),
  );

  test("many at once; the same path twice is one", () =>
    Daemon.with({ setup: programs }, async (daemon) => {
      const volumeMounts = Array.from({ length: 20 }, (_, i) => ({ nfs_target: "server:/x", path: `/srv/v${i % 10}` }));
      expect((await daemon.init({ volumeMounts })).status).toBe(204);
      expect(calls(daemon).split("mount:\n").length).toBe(11);
      const many = Array.from({ length: 1000 }, (_, i) => ({ nfs_target: "server:/x", path: `/srv/w${i}` }));
      expect((await daemon.init({ volumeMounts: many })).status).toBe(400);
      expect(calls(daemon)).toBe("");
    }));
});

describe("certificates", () => {
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  const extra = "/usr/local/share/ca-certificates/e2b-ca.crt";
  const directories = "mount -t tmpfs certs /etc/ssl/certs; mount -t tmpfs share /usr/local/share";
  const setup = `${directories}; echo first > ${bundle}; chmod 600 ${bundle}`;
  const a = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----";
  const b = a.replace("A", "B");

  test("INI-41: added once, and another one in its place", () =>
    Daemon.with({ setup }, async (daemon) => {
      for (const text of [a, `${a}\n\n`, a]) {
        expect((await daemon.init({ caBundle: text })).status).toBe(204);
        expect(daemon.read(bundle).toString()).toBe(`first\n${a}\n`);
      }
      await until("the file is there", 5, () => Bun.file(daemon.inside(extra)).exists());
      expect(daemon.read(extra).toString()).toBe(`${a}\n`);
      expect((await daemon.init({ caBundle: b })).status).toBe(204);
      expect(daemon.read(bundle).toString()).toContain(`${b}\n`);
      await until("the first is gone", 5, () => daemon.read(bundle).toString() === `first\n${b}\n`);
      expect(daemon.read(extra).toString()).toBe(`${b}\n`);
      expect(statSync(daemon.inside(bundle)).mode & 0o7777).toBe(0o644);
      expect(statSync(daemon.inside(extra)).mode & 0o7777).toBe(0o644);
      expect(statSync(daemon.inside("/usr/local/share/ca-certificates")).mode & 0o7777).toBe(0o755);
    }));

  test("INI-41: three in a row leave the last one", () =>
    Daemon.with({ setup }, async (daemon) => {
      await Promise.all([a, b, a.replace("A", "C")].map((caBundle, i) => daemon.init({ caBundle, timestamp: `2026-01-01T00:00:0${i}Z` })));
      expect((await daemon.init({ caBundle: a.replace("A", "D") })).status).toBe(204);
      await until("the others are gone", 5, () => daemon.read(bundle).toString() === `first\n${a.replace("A", "D")}\n`);
    }));

  test("INI-42: a bundle that is missing is a failure, and is not made", () =>
    Daemon.with({ setup: directories }, async (daemon) => {
      const response = await daemon.init({ caBundle: a, envVars: { A: "1" }, volumeMounts: [{ nfs_target: "x", path: "/srv/never" }] });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("failed to install CA bundle");
      expect((await daemon.envs()).A).toBe("1");
      expect(await Bun.file(daemon.inside(bundle)).exists()).toBe(false);
      // A failure ends it; and what failed is not taken for done.
      expect((await daemon.init({ caBundle: a })).status).toBe(400);
      writeFileSync(daemon.inside(bundle), "");
      expect((await daemon.init({ caBundle: a })).status).toBe(204);
      expect(daemon.read(bundle).toString()).toBe(`${a}\n`);
    }));
});
