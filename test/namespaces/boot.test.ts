// What an init does to its machine before it listens; lifecycle.md 1.3, 1.4, 1.7.

import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { MountTable } from "../../sys/mount.ts";
import { host } from "../host.ts";
import { inside, Namespace, type NamespaceOptions } from "../namespace.ts";
import { until } from "../until.ts";

const isNative = host.command.length === 1;

/** The lines of the log that warn. */
const warnings = (namespace: Namespace): string[] => namespace.stderr.split("\n").filter((line) => / (warn|error) /.test(line));

/** What is mounted inside. */
const mounts = (namespace: Namespace): MountTable => MountTable.parse(namespace.read("/proc/1/mountinfo"));

/** How many mounts there are at a path, hidden ones too. */
function countAt(namespace: Namespace, target: string): number {
  return mounts(namespace).entries.filter((entry) => entry.target === target).length;
}

const mode = (namespace: Namespace, path: string): number => statSync(`/proc/${namespace.pid}/root${path}`).mode & 0o7777;

test("everything is mounted once, with its flags and options", async () => {
  await Namespace.with({}, async (namespace) => {
    const rows = ["/sys", "/dev/pts", "/dev/shm", "/run", "/sys/fs/cgroup"].map((target) => {
      const entry = mounts(namespace).at(target);
      const options = (entry?.options ?? "").split(",").filter((option) => option.startsWith("no")).join(",");
      return [target, entry?.type, options, countAt(namespace, target)];
    });
    expect(rows).toEqual([
      ["/sys", "sysfs", "nosuid,nodev,noexec", 1],
      ["/dev/pts", "devpts", "nosuid,noexec", 1],
      ["/dev/shm", "tmpfs", "nosuid,nodev", 1],
      ["/run", "tmpfs", "nosuid,nodev", 1],
      ["/sys/fs/cgroup", "cgroup2", "nosuid,nodev,noexec", 1],
    ]);
    expect(mounts(namespace).at("/dev/pts")?.superOptions).toBe("rw,gid=5,mode=620,ptmxmode=666");
    expect(["/dev/shm", "/run", "/run/lock", "/tmp", "/var/log"].map((path) => mode(namespace, path).toString(8)))
      .toEqual(["1777", "755", "1777", "1777", "755"]);
    expect(warnings(namespace)).toEqual([]);
  });
}, 60_000);

// Bun itself needs a /proc. This machine's command line, which it then is, may say `quiet`.
// Bun and an emulator do not start without /proc.
if (isNative) test("/proc is mounted where it is not", async () => {
  const args = ["--listen", `unix:${inside}/agent.sock`, "--log", "info"];
  await Namespace.with({ hasNoProc: true, args }, async (namespace) => {
    const entry = mounts(namespace).at("/proc");
    expect([entry?.type, countAt(namespace, "/proc")]).toEqual(["proc", 1]);
    expect(entry?.options).toStartWith("rw,nosuid,nodev,noexec");
  });
}, 60_000);

test("L002: what is mounted already is not hidden", async () => {
  const setup = "mount -t tmpfs run $ROOT/run && touch $ROOT/run/mine; mkdir -p $ROOT/dev/shm; mount --bind $ROOT/etc $ROOT/dev/shm";
  await Namespace.with({ setup }, async (namespace) => {
    expect(["/proc", "/run", "/dev/shm"].map((target) => countAt(namespace, target))).toEqual([1, 1, 1]);
    expect((await namespace.enter("ls /run/mine /dev/shm/passwd")).split("\n")).toContain("/run/mine");
  });
}, 60_000);

test("L002: nor where the mount point is a symbolic link", async () => {
  const setup = "rm -rf $ROOT/run; mkdir $ROOT/mine; ln -s mine $ROOT/run; mount -t tmpfs mine $ROOT/mine; touch $ROOT/mine/file";
  await Namespace.with({ setup }, async (namespace) => {
    expect(countAt(namespace, "/mine")).toBe(1);
    expect(await namespace.enter("ls /run/file")).toBe("/run/file\n");
  });
}, 60_000);

test("L003: a user's own /tmp is left alone", async () => {
  const setup = "mount -t tmpfs -o mode=700 mine $ROOT/tmp; touch $ROOT/tmp/mine";
  await Namespace.with({ name: "wrenn-init", setup }, async (namespace) => {
    expect([countAt(namespace, "/tmp"), mode(namespace, "/tmp"), mode(namespace, "/tmp/mine")]).toEqual([1, 0o700, 0o644]);
  });
}, 60_000);

test("L009: without CAP_SYS_ADMIN nothing is mounted, and one line says so", async () => {
  const launcher = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"];
  await Namespace.with({ launcher }, async (namespace) => {
    expect(["/sys", "/run", "/dev/pts"].map((target) => countAt(namespace, target))).toEqual([0, 0, 0]);
    expect(warnings(namespace).length).toBe(1);
    expect(warnings(namespace)[0]).toContain("may not mount anything");
    await namespace.client.ping();
  });
}, 60_000);

test("the links of /dev are there, and what was there stays", async () => {
  const setup = "ln -s zero $ROOT/dev/stdin; touch $ROOT/dev/core";
  await Namespace.with({ setup }, async (namespace) => {
    const links = await namespace.enter("cd /dev; readlink fd stdin stdout stderr; test -f core; echo x | cat /dev/fd/0");
    expect(links.trim().split("\n")).toEqual(["/proc/self/fd", "zero", "/proc/self/fd/1", "/proc/self/fd/2", "x"]);
    expect(warnings(namespace)).toEqual([]);
  });
}, 60_000);

test("L014: as wrenn-init it is called capsule, with /tmp in memory and the directories of envd", async () => {
  await Namespace.with({ name: "wrenn-init" }, async (namespace) => {
    expect(await namespace.enter("cat /proc/sys/kernel/hostname")).toBe("capsule\n");
    expect([mounts(namespace).at("/tmp")?.type, mode(namespace, "/tmp")]).toEqual(["tmpfs", 0o1777]);
    expect([namespace.read("/run/wrenn/.WRENN_SANDBOX"), namespace.read("/run/e2b/.E2B_SANDBOX")]).toEqual(["true", "true"]);
    expect([mode(namespace, "/run/wrenn/.WRENN_SANDBOX"), mode(namespace, "/run/e2b/.E2B_SANDBOX")]).toEqual([0o444, 0o444]);
    expect(await namespace.enter("ls -A /run/wrenn /run/e2b")).not.toContain("new");
  });
}, 60_000);

/** What a GET of a path on this machine's own port is answered with. */
async function fetchInside(namespace: Namespace, port: number, path: string): Promise<string> {
  await until("the network is there", 20, () => namespace.stderr.includes("the guest is up"));
  const request = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf "GET ${path} HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3`;
  return namespace.enter(`bash -c '${request}'`);
}

// The other hosts are told a profile by argument, which counts for more.
const envdProfiles: NamespaceOptions[] = [
  { name: "wrenn-init" }, { name: "envd" }, ...(isNative ? [{ commandLine: "mote.profile=e2b" }] : []),
];

test.each(envdProfiles)("%j without an address: envd's protocol on TCP port 49983", async (options) => {
  await Namespace.with({ ...options, args: [] }, async (namespace) => {
    expect(namespace.stderr).toContain("listening on envd+tcp:0.0.0.0:49983");
    expect(await fetchInside(namespace, 49983, "/envs")).toEndWith('{"WRENN_SANDBOX":"true","E2B_SANDBOX":"true"}');
  });
}, 60_000);

test("as envd, PID 1 takes envd's options, and hands them to its workers", async () => {
  const args = ["-port", "5005", "--isnotfc", "-cmd", "id -un >> /ran", "-bogus"];
  await Namespace.with({ name: "envd", args }, async (namespace) => {
    expect(await fetchInside(namespace, 5005, "/envs")).toEndWith('{"WRENN_SANDBOX":"false","E2B_SANDBOX":"false"}');
    await until("the command has run", 10, () => namespace.stderr.includes("ended with 0"));
    const [worker = 0] = namespace.workers();
    process.kill(worker, "SIGKILL");
    await until("another one serves", 10, () => namespace.workers().some((pid) => pid !== worker));
    expect(await fetchInside(namespace, 5005, "/envs")).toEndWith('{"WRENN_SANDBOX":"false","E2B_SANDBOX":"false"}');
    expect(namespace.read("/ran")).toBe("root\n");
    expect(namespace.read("/run/wrenn/.WRENN_SANDBOX")).toBe("false");
  });
}, 60_000);

const names: [NamespaceOptions, string][] = [
  [{ commandLine: "mote.hostname=mine ip=1.2.3.4::::box" }, "mine"],
  [{ commandLine: "ip=1.2.3.4::::box" }, "box"],
  [{ name: "smolvm-guest-agent" }, "smolvm"],
  // The other hosts are told a profile by argument, which counts for more.
  ...(isNative ? [[{ commandLine: "mote.profile=wrenn" }, "capsule"] as [NamespaceOptions, string]] : []),
];

test.each(names)("the machine's name: %j is %s", async (options, hostname) => {
  await Namespace.with(options, async (namespace) => {
    expect(await namespace.enter("cat /proc/sys/kernel/hostname")).toBe(`${hostname}\n`);
  });
}, 60_000);

test("mote.tmp=tmpfs:16m", async () => {
  await Namespace.with({ commandLine: "mote.tmp=tmpfs:16m" }, async (namespace) => {
    expect(mounts(namespace).at("/tmp")?.superOptions.split(",")).toContain("size=16384k");
  });
}, 60_000);

test.each([["", "rw"], ["ro", "ro"], ["rw", "rw"], ["ro mote.root=rw", "rw"], ["rw mote.root=ro", "ro"]])(
  "a root that is mounted read-only, told %j, becomes %s",
  async (commandLine, expected) => {
    const setup = "mkdir -p $ROOT/run; mount -o remount,ro $ROOT";
    await Namespace.with({ commandLine, setup }, async (namespace) => {
      expect(mounts(namespace).at("/")?.isReadOnly).toBe(expected === "ro");
    });
  },
  60_000,
);

test("a root without the mount points: what cannot be made is skipped, with a line for each", async () => {
  const setup = "rm -rf $ROOT/run; mount -o remount,ro $ROOT";
  await Namespace.with({ commandLine: "ro", setup }, async (namespace) => {
    expect(warnings(namespace).some((line) => line.includes("mkdir /run: Read-only file system"))).toBe(true);
    expect([countAt(namespace, "/run"), countAt(namespace, "/sys")]).toEqual([0, 1]);
  });
}, 60_000);

test("an option that is unknown is one warning", async () => {
  await Namespace.with({ commandLine: "splash foo=bar -x mote.nothing=1" }, async (namespace) => {
    expect(warnings(namespace).length).toBe(1);
    expect(warnings(namespace)[0]).toContain("mote.nothing=1");
  });
}, 60_000);
