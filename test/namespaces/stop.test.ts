// How PID 1 ends its namespaces: cases L043, L045 and L060 to L074 of lifecycle.md.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Agent, hangLimit } from "../agent.ts";
import { fileContent, jsonFrame } from "../client.ts";
import { host } from "../host.ts";
import { Namespace } from "../namespace.ts";
import type { Peer } from "../peer.ts";
import { children } from "../proc.ts";
import { noise, remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

// What reboot(2) means in a PID namespace, by the signal that its init seems to have died of; reboot(2).
const AUTOBOOT = "SIGHUP";
const POWER_OFF = "SIGINT";

const isX86 = host.name !== "aarch64";
/** Bun does not know the name. */
const SIGPWR = 30;

// Firmware that this machine may or may not have.
const withAcpi = "mount -t sysfs sysfs $ROOT/sys; mount -t tmpfs firmware $ROOT/sys/firmware; mkdir $ROOT/sys/firmware/acpi";
const withoutAcpi = "mount -t sysfs sysfs $ROOT/sys; mount -t tmpfs firmware $ROOT/sys/firmware";
const firecracker = `${withAcpi}; mkdir $ROOT/sys/firmware/acpi/tables
printf 'DSDT\\0\\0\\0\\0\\0\\0FIRECKtherest.' >$ROOT/sys/firmware/acpi/tables/DSDT`;

/** Writes out what other programs have left in memory: PID 1 syncs the whole machine, and is not to wait for them. */
function settleDisks(): void {
  Bun.spawnSync(["sync"]);
}

/** Starts a command that prints when it is ready, and returns once it is. */
async function running(namespace: Namespace, cmd: string): Promise<Peer> {
  const peer = await namespace.client.open({ op: "run", v: 1, shell: "raw", cmd });
  expect((await peer.frame())?.type).toBe(frameType.stdout);
  return peer;
}

/** Sends PID 1 a signal; returns how it ended and the milliseconds that took. */
async function stopped(namespace: Namespace, signal: NodeJS.Signals): Promise<{ how: string | number; took: number }> {
  const start = performance.now();
  namespace.kill(signal);
  const how = await namespace.ended();
  return { how, took: performance.now() - start };
}

describe("L060: with nothing running it ends within 300 ms, as its platform needs", () => {
  const cases: [string, string, string, string][] = [
    ["ACPI", "rw", withAcpi, POWER_OFF],
    ["ACPI and reboot=k", "rw reboot=k", withAcpi, isX86 ? AUTOBOOT : POWER_OFF],
    ["pci=off", "pci=off", withAcpi, isX86 ? AUTOBOOT : POWER_OFF],
    ["no ACPI", "rw", withoutAcpi, isX86 ? AUTOBOOT : POWER_OFF],
    ["Firecracker's ACPI", "rw", firecracker, isX86 ? AUTOBOOT : POWER_OFF],
    ["mote.stop=reboot", "mote.stop=reboot", withAcpi, AUTOBOOT],
    ["mote.stop=poweroff and reboot=k", "mote.stop=poweroff reboot=k", withAcpi, POWER_OFF],
    ["mote.stop=poweroff where that cannot be", "mote.stop=poweroff", withoutAcpi, isX86 ? AUTOBOOT : POWER_OFF],
  ];
  test.each(cases)("%s", async (_name, commandLine, setup, expected) => {
    await Namespace.with({ commandLine, setup }, async (namespace) => {
      await namespace.client.ping();
      settleDisks();
      const { how, took } = await stopped(namespace, "SIGTERM");
      expect(how).toBe(expected);
      expect(took).toBeLessThan(300);
    });
  });
});

describe("processes", () => {
  test("L061: one that traps SIGTERM comes to do so", async () => {
    await Namespace.with({ commandLine: "mote.grace_ms=20000" }, async (namespace) => {
      await running(namespace, "trap 'echo trapped >/mnt/test/file; exit' TERM; echo; while :; do sleep 0.1; done");
      await stopped(namespace, "SIGTERM");
      expect(readFileSync(namespace.path("file"), "utf8")).toBe("trapped\n");
    });
  });

  test("L061: an orphan too", async () => {
    await Namespace.with({ commandLine: "mote.grace_ms=20000" }, async (namespace) => {
      const orphan = "trap 'echo trapped >/mnt/test/file; exit' TERM; touch /mnt/test/ready; while :; do sleep 0.1; done";
      await namespace.client.run(`setsid sh -c "${orphan}" >/dev/null 2>&1 &`);
      await until("the orphan is ready", 10, () => Bun.file(namespace.path("ready")).exists());
      await stopped(namespace, "SIGTERM");
      expect(readFileSync(namespace.path("file"), "utf8")).toBe("trapped\n");
    });
  });

  test("L062: one that ignores SIGTERM is killed at the end of the grace", async () => {
    await Namespace.with({}, async (namespace) => {
      await running(namespace, "trap '' TERM; echo; sleep 600");
      settleDisks();
      const { how, took } = await stopped(namespace, "SIGTERM");
      expect([AUTOBOOT, POWER_OFF]).toContain(String(how));
      expect(took).toBeGreaterThanOrEqual(1500);
      expect(took).toBeLessThan(2500);
    });
  });

  test("a stopped one gets to its trap", async () => {
    await Namespace.with({ commandLine: "mote.grace_ms=20000" }, async (namespace) => {
      const command = "trap 'echo trapped >/mnt/test/file; exit' TERM; echo; kill -STOP $$; while :; do sleep 0.1; done";
      await running(namespace, command);
      await stopped(namespace, "SIGTERM");
      expect(readFileSync(namespace.path("file"), "utf8")).toBe("trapped\n");
    });
  });

  test("L064: a second SIGTERM cuts the grace short", async () => {
    await Namespace.with({ commandLine: "mote.grace_ms=600000" }, async (namespace) => {
      await running(namespace, "trap '' TERM; echo; sleep 600");
      namespace.kill("SIGTERM");
      await until("the stop has begun", 10, () => namespace.stderr.includes("stopping"));
      expect([AUTOBOOT, POWER_OFF]).toContain(String((await stopped(namespace, "SIGTERM")).how));
    });
  });
});

describe("L072: every signal that asks for it ends the namespaces in order", () => {
  const cases: [string, NodeJS.Signals | number, string][] = [
    ["SIGINT", "SIGINT", POWER_OFF],
    ["SIGUSR1", "SIGUSR1", POWER_OFF],
    ["SIGUSR2", "SIGUSR2", POWER_OFF],
    ["SIGPWR", SIGPWR, POWER_OFF],
  ];
  // An emulator in user space numbers the real-time signals in its own way.
  if (host.name !== "aarch64") {
    cases.push(["SIGRTMIN+3, halt", 37, POWER_OFF], ["SIGRTMIN+4, poweroff", 38, POWER_OFF], ["SIGRTMIN+5, reboot", 39, AUTOBOOT]);
  }
  test.each(cases)("%s", async (_name, signal, expected) => {
    await Namespace.with({ setup: withAcpi, commandLine: "mote.grace_ms=20000" }, async (namespace) => {
      await running(namespace, "trap 'echo trapped >/mnt/test/file; exit' TERM; echo; while :; do sleep 0.1; done");
      process.kill(namespace.pid, signal);
      expect(await namespace.ended()).toBe(expected);
      expect(readFileSync(namespace.path("file"), "utf8")).toBe("trapped\n");
    });
  });

  test("but SIGINT does not with mote.cad=ignore", async () => {
    await Namespace.with({ commandLine: "mote.cad=ignore" }, async (namespace) => {
      namespace.kill("SIGINT");
      await until("it says so", 10, () => namespace.stderr.includes("ctrl-alt-del"));
      await namespace.client.ping();
      expect(namespace.stderr).not.toContain("stopping");
    });
  });
});

describe("what does not end it", () => {
  test("L045: SIGKILL and SIGSTOP from inside", async () => {
    await Namespace.with({}, async (namespace) => {
      await namespace.enter("kill -KILL 1; kill -STOP 1");
      await namespace.client.ping();
    });
  });

  test("signals that it ignores, from outside", async () => {
    await Namespace.with({}, async (namespace) => {
      for (const signal of ["SIGHUP", "SIGQUIT", "SIGALRM", "SIGWINCH", "SIGTTIN", "SIGTTOU", "SIGTSTP"] as const) {
        namespace.kill(signal);
      }
      await namespace.client.ping();
    });
  });

  test("L071: ctrl-alt-del that cannot be taken from the kernel", async () => {
    // reboot(2) refuses RB_DISABLE_CAD to the init of a PID namespace: it says so if it says anything, and serves.
    await Namespace.with({}, async (namespace) => {
      expect((await namespace.client.run("echo served")).stdout.toString()).toBe("served\n");
    });
  });

  test("L046: SIGHUP, SIGUSR1, SIGUSR2 and SIGPWR beside another init, neither supervisor nor worker", async () => {
    await Agent.with({ isSupervised: true }, async (agent) => {
      const processes = [agent.pid, ...children(agent.pid)];
      for (const pid of processes) {
        for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", SIGPWR] as const) process.kill(pid, signal);
      }
      await agent.client.ping();
      expect([agent.pid, ...children(agent.pid)]).toEqual(processes);
    });
  });
});

test("L043: death by a signal is told as its negative number", async () => {
  await Namespace.with({}, async (namespace) => {
    for (const [name, number] of [["KILL", 9], ["SEGV", 11]] as const) {
      const { object } = await namespace.client.run(`kill -${name} $$`);
      expect(object).toEqual({ ok: true, op: "exit", exit_code: -number });
    }
  });
});

test("children of PID 1 have default dispositions and an empty mask", async () => {
  await Namespace.with({}, async (namespace) => {
    const { stdout } = await namespace.client.run("grep -E '^Sig(Blk|Ign)' /proc/self/status");
    expect(stdout.toString()).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });
});

describe("L074: a download when the stop comes", () => {
  const content = noise(1024 * 1024);

  async function download(namespace: Namespace): Promise<Peer> {
    writeFileSync(namespace.path("large"), content);
    const peer = await namespace.client.open({ op: "get_file", v: 1, path: "/mnt/test/large" });
    expect((await jsonFrame(peer)).object.ok).toBe(true);
    return peer;
  }

  test("is completed for one who reads", async () => {
    await Namespace.with({}, async (namespace) => {
      const peer = await download(namespace);
      namespace.kill("SIGTERM");
      const parts: Buffer[] = [];
      await fileContent(peer, (payload) => parts.push(payload));
      expect(Buffer.concat(parts).equals(content)).toBe(true);
      await namespace.ended();
    });
  });

  test("never looks complete to one who does not read in time", async () => {
    await Namespace.with({}, async (namespace) => {
      const peer = await download(namespace);
      namespace.kill("SIGTERM");
      await namespace.ended();
      let received = 0;
      for (let next = await peer.frame(); next !== undefined; next = await peer.frame()) {
        expect(next.type).toBe(frameType.data);
        received += next.payload.length;
      }
      expect(received).toBeLessThan(content.length);
    });
  });
});

describe("L070: a sync that hangs", () => {
  const directory = scratchDirectory();
  afterAll(() => remove(directory));

  function sh(script: string): void {
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-euc", script], { cwd: directory });
    if (exitCode !== 0) throw new Error(`${script}: ${stderr.toString()}`);
  }

  /** An ext4 on a loop device whose file lies on a frozen ext4: what is written to it waits until the thaw. */
  async function withFrozenDisk(body: () => Promise<void>): Promise<void> {
    sh(`
      mkdir outer inner
      truncate -s 64M outer.img
      mkfs.ext4 -q outer.img && mount -o loop outer.img outer
      truncate -s 16M outer/inner.img
      mkfs.ext4 -q outer/inner.img && mount -o loop outer/inner.img inner
    `);
    // Whatever becomes of this process: nothing on this machine may wait for long.
    const guard = Bun.spawn(["sh", "-c", "sleep 30; fsfreeze --unfreeze outer"], { cwd: directory, detached: true });
    try {
      sh("fsfreeze --freeze outer");
      // After the freeze, which would have written it out.
      const fd = openSync(join(directory, "inner/dirty"), "w");
      writeSync(fd, noise(1024 * 1024));
      closeSync(fd);
      await body();
    } finally {
      Bun.spawnSync(["fsfreeze", "--unfreeze", "outer"], { cwd: directory });
      guard.kill();
      Bun.spawnSync(["sh", "-c", "umount --lazy inner; umount --lazy outer"], { cwd: directory });
    }
  }

  test("ends in 8 s all the same", async () => {
    await Namespace.with({}, async (namespace) => {
      const pid = namespace.pid;
      await withFrozenDisk(async () => {
        namespace.kill("SIGTERM");
        // The namespace itself lasts until the frozen sync has ended; PID 1 is over once it has no program any more.
        await until("PID 1 has ended", 8, () => !hasProgram(pid));
        expect(namespace.isOver).toBe(false);
      });
      expect([AUTOBOOT, POWER_OFF]).toContain(String(await namespace.ended()));
    });
  });

  function hasProgram(pid: number): boolean {
    try {
      return readlinkSync(`/proc/${pid}/exe`) !== "";
    } catch {
      return false;
    }
  }
});
