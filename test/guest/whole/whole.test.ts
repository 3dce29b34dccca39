// Whole guests, as the hosts of envd have them: an image in which envd is mote, booted by the host's command line, its
// calls in its order, and then E2B's SDK. `test/guest.sh whole` runs it.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Agent } from "../../e2b/agent.ts";
import type { Suite } from "../../e2b/all.ts";
import { namesOf, type Results, type Runtime, runSdk, token } from "../../e2b/sdk.ts";
import { noise, remove, scratchDirectory } from "../../scratch.ts";
import { until } from "../../until.ts";
import { Guest, type GuestOptions } from "../guest.ts";
import { diskCopy, diskLoader } from "../images.ts";
import { microvm } from "../machine.ts";
import { envdPort, wrennParameters, wrennSubnet } from "../wrenn.ts";
import { HostCalls } from "./host-calls.ts";

/** Milliseconds after which a whole guest counts as hung; not a measure of speed. */
const hangLimit = 480_000;
setDefaultTimeout(hangLimit);

/** Where a server in a guest listens. */
const serverPort = 8000;

const worker = "grep -l mote-worker /proc/[0-9]*/comm";

/** A guest in which envd answers, and its host. */
class Served {
  guest: Guest;
  host: HostCalls;
  /** The file with the name of the process that serves. */
  readonly worker: string;
  readonly #options: GuestOptions;

  private constructor(guest: Guest, host: HostCalls, options: GuestOptions, worker: string) {
    this.guest = guest;
    this.host = host;
    this.worker = worker;
    this.#options = options;
  }

  static async boot(options: GuestOptions): Promise<Served> {
    const guest = Guest.boot(options);
    try {
      const host = new HostCalls(await guest.port());
      await host.ready(() => guest.isRunning);
      return new Served(guest, host, options, (await host.exec(worker)).stdout);
    } catch (error) {
      await guest.dispose();
      throw new Error(`no envd in the guest; its console:\n${guest.console.tail()}`, { cause: error });
    }
  }

  /** Saves the guest and has another one go on from there, as hosts do. Whoever was connected is so no more. */
  async restore(directory: string): Promise<void> {
    const saved = join(directory, "saved");
    await this.guest.save(saved);
    await this.guest.dispose();
    this.guest = Guest.boot({ ...this.#options, saved });
    this.host = new HostCalls(await this.guest.port());
    await this.guest.loaded();
    await this.guest.goOn();
    await this.host.ready(() => this.guest.isRunning);
  }
}

/** A guest for the tests of a block. Its disk is a copy of an image. */
function served(image: string, options: GuestOptions): () => Served {
  const directory = scratchDirectory();
  let result: Served | undefined;
  beforeAll(async () => {
    result = await Served.boot({ ...options, subnet: wrennSubnet, port: envdPort, servers: [serverPort], disks: [diskCopy(directory, image)] });
  }, hangLimit);
  afterAll(async () => {
    await result?.guest.dispose();
    remove(directory);
  });
  return () => {
    if (result === undefined) throw new Error("the guest did not come up");
    return result;
  };
}

/** A command run as root by E2B's SDK, whose sandbox has been made. */
async function asRoot({ host }: Served, command: string): Promise<string> {
  const agent = await Agent.at(host.url, token);
  try {
    return (await agent.variant({}).commands.run(command, { user: "root" })).stdout;
  } finally {
    agent.stop();
  }
}

/** A suite of E2B's SDK. */
function sdkCases(at: () => Served, runtime: Runtime, suite: Suite): void {
  describe(`E2B's SDK in ${runtime}`, () => {
    let results: Results = new Map();
    beforeAll(async () => {
      const start = performance.now();
      results = await runSdk(runtime, at().host.url, suite);
      console.log(`E2B's SDK in ${runtime}, against the guest: ${Math.round((performance.now() - start) / 1000)} s`);
    }, hangLimit);
    test.each(namesOf(suite))("%s", (name) => {
      expect(results.get(name) ?? "the program did not come to it").toBe("");
    });
  });
}

/** What this host of Wrenn's does in the life of a guest, in its order. A test each, as each builds on those before. */
function wrennCases(at: () => Served): void {
  test("L208: health, with a version", async () => {
    expect(await at().host.health()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("init, without a body and with a template's defaults", async () => {
    await at().host.init();
    expect((await at().host.exec("id -un")).stdout).toBe("root\n");
    await at().host.init({ defaultUser: "user", envVars: { FROM_TEMPLATE: "yes" } });
    expect((await at().host.exec("id -un; echo $FROM_TEMPLATE; pwd")).stdout).toBe("user\nyes\n/home/user\n");
  });

  test("exec: outputs and codes; in the background, found by its tag", async () => {
    expect(await at().host.exec("echo out; echo err >&2; exit 7")).toEqual({ stdout: "out\n", stderr: "err\n", exitCode: 7 });
    const { processes } = at().host;
    const started = await processes.start({ cmd: "/bin/sh", args: ["-c", "cat; exit 4"], tag: "background" });
    await started.started();
    started.close();
    const again = await processes.connect({ tag: "background" });
    await again.started();
    await processes.stdin({ tag: "background" }, "kept\n");
    await processes.closeStdin({ tag: "background" });
    const { stdout, end } = await again.outcome();
    expect([stdout.toString(), end?.exitCode]).toEqual(["kept\n", 4]);
  });

  test("files: as they were", async () => {
    const content = new Uint8Array(noise(1_000_000));
    await at().host.put("/srv/a/b.bin", content);
    expect(Buffer.compare(await at().host.get("/srv/a/b.bin"), content)).toBe(0);
    expect((await at().host.exec("stat -c '%U %s' /srv/a/b.bin")).stdout).toBe("root 1000000\n");
  });

  test("metrics", async () => {
    expect(Number.isInteger(await at().host.memoryUsed())).toBe(true);
  });

  test("prepare, metrics, snapshot; restore, health, init; what ran goes on; exec", async () => {
    const command = await at().host.processes.start({ cmd: "/bin/sh", args: ["-c", "cat; exit 5"], tag: "over" });
    await command.started();
    await at().host.prepare();
    expect(Number.isInteger(await at().host.memoryUsed())).toBe(true);
    const directory = scratchDirectory();
    await at().restore(directory);
    remove(directory);
    command.close();
    const { host } = at();
    await host.init({ defaultUser: "user", envVars: { FROM_TEMPLATE: "again" } });
    expect(await host.health()).toMatch(/^\d/);
    expect(await host.exec("echo $FROM_TEMPLATE")).toEqual({ stdout: "again\n", stderr: "", exitCode: 0 });
    const again = await host.processes.connect({ tag: "over" });
    await again.started();
    await host.processes.stdin({ tag: "over" }, "went on\n");
    await host.processes.closeStdin({ tag: "over" });
    const { stdout, end } = await again.outcome();
    expect([stdout.toString(), end?.exitCode]).toEqual(["went on\n", 5]);
    expect(Buffer.compare(await host.get("/srv/a/b.bin"), noise(1_000_000))).toBe(0);
  });
}

/** A server that listens inside for the guest itself alone: its host reaches it all the same. */
function serverCases(at: () => Served): void {
  test("a server on the guest's loopback is reached from the host, while it runs", async () => {
    const { guest, host } = at();
    const url = `http://127.0.0.1:${await guest.port(serverPort)}/page`;
    const isReached = async (): Promise<boolean> => {
      const response = await fetch(url, { headers: { connection: "close" }, signal: AbortSignal.timeout(5000) }).catch(() => undefined);
      return (await response?.text()) === "served\n";
    };
    expect(await isReached()).toBe(false);
    await host.put("/srv/www/page", new TextEncoder().encode("served\n"));
    const server = await host.processes.start({ cmd: "httpd", args: ["-f", "-p", `127.0.0.1:${serverPort}`, "-h", "/srv/www"], tag: "server" });
    await server.started();
    await until("the server is reached", 60, isReached);
    // One after the other: QEMU has one connection wait at a port, and the rest try again a second later.
    for (let count = 0; count < 10; count++) expect(await isReached()).toBe(true);
    await host.processes.kill({ tag: "server" });
    await until("the server is reached no more", 60, async () => !(await isReached()));
    server.close();
  });
}

/** What holds of a guest that has done all that. */
function soundCases(at: () => Served): void {
  test("the process that serves is the first one still, and the console knows of no crash", async () => {
    expect(await asRoot(at(), worker)).toBe(at().worker);
    expect(at().guest.console.matching(/panic|segfault|out of memory|trap/i)).toEqual([]);
  });
}

describe("busybox, profile wrenn", () => {
  const init = "/usr/local/bin/wrenn-init";
  // E2B's SDK speaks to a bash, as a user who is there in its images.
  const commands = [
    "echo user:x:1000:1000::/home/user:/bin/bash >>/newroot/etc/passwd",
    "echo user:x:1000: >>/newroot/etc/group",
    "mkdir -p /newroot/home/user && chown 1000:1000 /newroot/home/user",
    `printf '%s\\n' '#!/bin/sh' 'exec /bin/sh "$@"' >/newroot/bin/bash && chmod 755 /newroot/bin/bash`,
  ];
  const at = served("wrenn/busybox-x86_64.ext4", { initramfs: diskLoader(init, "rw", commands), machine: microvm, parameters: [...wrennParameters, "quiet", "loglevel=1"] });
  wrennCases(at);
  serverCases(at);
  sdkCases(at, "bun", "plain");
  soundCases(at);
});

describe("Debian, profile e2b", () => {
  const init = "/usr/bin/envd";
  const parameters = [
    "quiet", "loglevel=1", `init=${init}`, "ip=169.254.0.21::169.254.0.22:255.255.255.252:instance:eth0:off:8.8.8.8", "ipv6.disable=0", "ipv6.autoconf=1", "panic=1",
    "reboot=k", "i8042.nokbd", "i8042.noaux", "random.trust_cpu=on", "rootflags=discard",
  ];
  const at = served("debian/debian-x86_64.ext4", { initramfs: diskLoader(init, "rw"), memory: 512, parameters });
  sdkCases(at, "node", "secured");

  test("host name, name server, what the profile leaves in the run directories", async () => {
    const told = await asRoot(at(), "hostname; grep ^nameserver /etc/resolv.conf; readlink /proc/1/exe; cat /run/e2b/.E2B_SANDBOX");
    expect(told.replace(/\n(true|false)$/, "")).toBe("instance\nnameserver 8.8.8.8\n/usr/local/bin/mote");
  });
  soundCases(at);
});
