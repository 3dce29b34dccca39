// PID 1 and its worker: neither's death, stop or trap is the machine's end; lifecycle.md 1.10, 1.12, 1.13.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync, writeSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { Client, putRequest, runResult } from "../client.ts";
import { host } from "../host.ts";
import { killWorkers, Load, pausesUpToTheLongest, rounds } from "../kills.ts";
import { trap } from "../machine-code.ts";
import { inside, Namespace } from "../namespace.ts";
import * as proc from "../proc.ts";
import { makeFifo, temporaries, writeFifo } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

const isSoak = rounds >= 1000;
const isNative = host.name === "x86_64";

/** So that its end is SIGHUP, whatever this machine is. */
const commandLine = "mote.stop=reboot";

/** How often PID 1 has started over in place. */
const restarts = (namespace: Namespace): number => namespace.stderr.split("PID 1 started over in place").length - 1;

/** Has PID 1 start over in place, and awaits that it has. */
async function startOver(namespace: Namespace, fail: (pid: number) => unknown): Promise<void> {
  const before = restarts(namespace);
  await fail(namespace.pid);
  await until("PID 1 has started over in place", 10, () => restarts(namespace) === before + 1);
}

const bySignal = (signal: NodeJS.Signals) => (pid: number): void => void process.kill(pid, signal);

/** PID 1 fails while it has a worker noted as `line` begins. Until then it stands still, and `meanwhile` is done. */
async function failWith(pid: number, line: string, meanwhile: () => void): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until("PID 1 is stopped", 5, () => proc.state(pid) === "T");
  meanwhile();
  const fd = readdirSync(`/proc/${pid}/fd`).find((name) => readlinkSync(`/proc/${pid}/fd/${name}`).includes("mote-resume"));
  const path = `/proc/${pid}/fd/${fd}`;
  const noted = readFileSync(path, "utf8");
  expect(noted).toMatch(/^worker \d+ /m);
  const file = openSync(path, "r+");
  writeSync(file, noted.replace(/^worker \d+ /m, line).padEnd(noted.length, "\0").slice(0, noted.length), 0);
  closeSync(file);
  process.kill(pid, "SIGSEGV");
  process.kill(pid, "SIGCONT");
}

/** Starts a daemon whose parent is PID 1; the file tells its pid. */
async function daemon(namespace: Namespace, name: string): Promise<number> {
  await namespace.client.run(`(setsid sh -c 'exec sleep ${name}' >/dev/null 2>&1 &)`);
  let found: number | undefined;
  await until("the daemon is there", 10, () => {
    found = proc.children(namespace.pid).find((pid) => proc.commandLine(pid).join(" ") === `sleep ${name}`);
    return found !== undefined;
  });
  return found ?? 0;
}

/** Kills a child of PID 1, which has to reap it. */
async function reapedOnDeath(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until("it is reaped", 2, () => !existsSync(`/proc/${pid}`));
}

/** Kills a worker and awaits that another is there, which need not answer yet. Returns its pid. */
async function killAtOnce(namespace: Namespace, worker: number): Promise<number> {
  let next: number | undefined;
  process.kill(worker, "SIGKILL");
  await until("another worker is there", 10, () => {
    next = namespace.workers().find((pid) => pid !== worker && proc.isAlive(pid));
    return next !== undefined;
  });
  return next ?? 0;
}

/** Memory once the process has shrunk, as it does when nothing has happened for a while: its code is given back. */
async function memoryAtRest(pid: number): Promise<proc.Memory> {
  let memory = proc.memory(pid);
  if (isNative) await until("PID 1 shrinks", 5, () => {
    memory = proc.memory(pid);
    return memory.rss - memory.anonymous < 64 * 1024;
  });
  return memory;
}

test("L080: workers killed under load: PID 1 lives, nobody is refused, and nothing leaks", () =>
  Namespace.with({}, async (namespace) => {
    const pid = namespace.pid;
    await killWorkers(namespace.client, 2, () => namespace.worker());
    const before = { descriptors: proc.descriptors(pid), ...(await memoryAtRest(pid)) };
    const toll = await killWorkers(namespace.client, rounds, () => namespace.worker());
    await until("nothing is left of them", 5, () => namespace.isIdle);
    const after = { descriptors: proc.descriptors(pid), ...(await memoryAtRest(pid)) };
    const gap = (part: number): string => (toll.gaps[Math.floor((toll.gaps.length - 1) * part)] ?? 0).toFixed(1);
    console.log(
      `${rounds} kills: ${toll.answered} requests answered, ${toll.cut} cut off; ` +
        `${gap(0.5)} ms from death to the next answer at the median, ${gap(1)} ms at most; ` +
        `PID 1: ${before.share / 1024} kB PSS before, ${after.share / 1024} kB after`,
    );
    expect([toll.refused, toll.lost, toll.wrong]).toEqual([0, 0, []]);
    expect(namespace.pid).toBe(pid);
    expect(after.descriptors).toBe(before.descriptors);
    if (isNative) expect(after.anonymous - before.anonymous).toBeLessThanOrEqual(16 * 1024);
  }), 2 * hangLimit + rounds * 500);

test("L085: a worker that is killed takes the groups of its commands along", () =>
  Namespace.with({}, async (namespace) => {
    const commands = ["echo; exec sleep 600", "sleep 600 & echo; wait", "trap '' TERM HUP; echo; while :; do sleep 1; done"];
    const peers = await Promise.all(commands.map((cmd) => namespace.client.open({ op: "run", shell: "raw", cmd })));
    for (const peer of peers) await peer.frame();
    expect(namespace.processes().length).toBeGreaterThanOrEqual(6);
    process.kill(await namespace.worker(), "SIGKILL");
    await until("all of them are dead", 1, () => namespace.isIdle);
    for (const peer of peers) peer.close();
  }));

// Bun has handlers of its own, and so has an emulator in user space, which under load lets the process die instead.
if (isNative) describe("PID 1 that fails", () => {
  const failures = [
    ...(["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGSEGV"] as const).map(bySignal),
    ...(isNative ? [trap, trap] : []),
  ];

  test("L086: starts over in place, with its worker, its children, its listeners and its signals", () =>
    Namespace.with({ commandLine }, async (namespace) => {
      const pid = namespace.pid;
      const worker = await namespace.worker();
      const descriptors = proc.descriptors(pid);
      const signals = ["SigBlk", "SigIgn", "SigCgt"].map((name) => proc.statusLine(pid, name));
      makeFifo(namespace.path("gate"));
      const running = await namespace.client.open({ op: "run", shell: "raw", cmd: `read code <${inside}/gate; exit $code` });
      const early = await daemon(namespace, "601");
      for (const fail of failures) {
        await startOver(namespace, fail);
        expect(await namespace.worker()).toBe(worker);
        expect(["SigBlk", "SigIgn", "SigCgt"].map((name) => proc.statusLine(pid, name))).toEqual(signals);
        await until("it has the descriptors that it had", 5, () => proc.descriptors(pid) === descriptors);
      }
      const late = await daemon(namespace, "602");
      await reapedOnDeath(early);
      await reapedOnDeath(late);
      await writeFifo(namespace.path("gate"), "7");
      expect((await runResult(running)).object.exit_code).toBe(7);
      expect(namespace.pid).toBe(pid);
      // It is the supervisor that it was.
      process.kill(worker, "SIGKILL");
      await until("another worker is there", 10, async () => (await namespace.worker().catch(() => worker)) !== worker);
      namespace.kill("SIGTERM");
      expect(await namespace.ended()).toBe("SIGHUP");
    }));

  test("L086: under load costs nobody an answer", () =>
    Namespace.with({}, async (namespace) => {
      const worker = await namespace.worker();
      const load = new Load(namespace.client);
      const count = Math.max(10, rounds / 10);
      await load.during(async () => {
        for (let round = 0; round < count; round++) await startOver(namespace, bySignal("SIGSEGV"));
      });
      expect([load.refused, load.lost, load.wrong]).toEqual([0, [], []]);
      expect(await namespace.worker()).toBe(worker);
      await until("nothing is left", 5, () => namespace.isIdle);
    }), hangLimit + rounds * 100);

  test("L086: again, before it has gone on, loses no listener", () => {
    const names = Array.from({ length: 12 }, (_, index) => `${index}.sock`);
    const args = names.flatMap((name) => ["--listen", `unix:${inside}/${name}`]);
    return Namespace.with({ args, listeners: names.length }, async (namespace) => {
      const clients = names.map((name) => new Client({ unix: namespace.path(name) }));
      for (let round = 0; round < 200; round++) {
        namespace.kill("SIGSEGV");
        // Closer than a timer could: somewhere in its first two milliseconds.
        for (const end = performance.now() + round / 100; performance.now() < end; );
        namespace.kill("SIGSEGV");
        await Promise.all(clients.map((client) => client.ping()));
      }
      // One that was lost would have been opened anew.
      expect(namespace.stderr.split("listening on").length - 1).toBe(names.length);
    });
  });

  // An emulator may give PID 1 the signal of its child before the one that it dies of.
  if (isNative) test("together with its worker has another one serve", () =>
    Namespace.with({}, async (namespace) => {
      for (let round = 0; round < 5; round++) {
        const worker = await namespace.worker();
        const peer = await namespace.client.open({ op: "run", shell: "raw", cmd: "echo; exec sleep 600" });
        await peer.frame();
        namespace.kill("SIGSTOP");
        await until("PID 1 is stopped", 5, () => proc.state(namespace.pid) === "T");
        process.kill(worker, "SIGKILL");
        await until("it is dead", 5, () => !proc.isAlive(worker));
        namespace.kill("SIGSEGV");
        namespace.kill("SIGCONT");
        await namespace.client.ping();
        expect(await namespace.worker()).not.toBe(worker);
        await until("the command has gone with the worker", 1, () => namespace.isIdle);
        peer.close();
      }
    }));

  // Stopped, and then a fatal signal: an emulator may let it die of that.
  if (isNative) test("and had just taken its worker's status has another one serve", () =>
    Namespace.with({}, async (namespace) => {
      const worker = await namespace.worker();
      // As it is when a worker has been reaped, and nothing has been noted yet.
      await startOver(namespace, (pid) => failWith(pid, "worker 9999 ", () => undefined));
      await until("another worker serves", 5, async () => (await namespace.worker().catch(() => worker)) !== worker);
      await until("alone", 5, () => namespace.isIdle);
    }));

  test("while it stops the machine, stops it all the same", () =>
    Namespace.with({ commandLine }, async (namespace) => {
      await namespace.client.run("(setsid sh -c 'trap : TERM; echo >/mnt/test/trapped; while :; do sleep 600; done' >/dev/null 2>&1 &)");
      await until("there is one that does not end", 5, () => existsSync(namespace.path("trapped")));
      namespace.kill("SIGTERM");
      await until("it stops", 5, () => namespace.stderr.includes("stopping: SIGTERM"));
      await startOver(namespace, bySignal("SIGSEGV"));
      expect(await namespace.ended()).toBe("SIGHUP");
    }));

  if (isNative) test("too often, and without a worker, starts none for a minute, and goes on all the same", () =>
    Namespace.with({ commandLine }, async (namespace) => {
      const worker = await namespace.worker();
      const orphan = await daemon(namespace, "601");
      for (let round = 0; round < 5; round++) await startOver(namespace, bySignal("SIGSEGV"));
      // As it is when a worker has died and the next one has not come yet.
      await startOver(namespace, (pid) => failWith(pid, "worker 0 ", () => process.kill(worker, "SIGKILL")));
      await until("it says so", 5, () => namespace.stderr.includes("the next worker comes in a minute"));
      expect(namespace.workers()).toEqual([]);
      const peer = await namespace.client.connect();
      await reapedOnDeath(orphan);
      if (isSoak) await namespace.client.ping();
      peer.close();
      namespace.kill("SIGTERM");
      expect(await namespace.ended()).toBe("SIGHUP");
    }), 2 * hangLimit);
});

test("L088: workers that die at once, for ever, come after longer and longer pauses, and PID 1 goes on", () =>
  Namespace.with({ commandLine }, async (namespace) => {
    const pid = namespace.pid;
    const orphan = await daemon(namespace, "601");
    let worker = await namespace.worker();
    const cpu = proc.cpuTicks(pid);
    const start = performance.now();
    const pauses = await pausesUpToTheLongest(worker, async (last) => (worker = await killAtOnce(namespace, last)));
    expect(pauses.length).toBeGreaterThan(6);
    const seconds = (performance.now() - start) / 1000;
    if (isNative) expect((proc.cpuTicks(pid) - cpu) / 100 / seconds).toBeLessThan(0.05);
    process.kill(worker, "SIGKILL");
    await reapedOnDeath(orphan);
    namespace.kill("SIGTERM");
    expect(await namespace.ended()).toBe("SIGHUP");
  }));

test("L090: PID 1 that is killed takes everything along", () =>
  Namespace.with({}, async (namespace) => {
    await namespace.client.run("setsid sleep 600 >/dev/null 2>&1 &");
    const all = namespace.processes();
    expect(all).toHaveLength(3);
    namespace.kill("SIGKILL");
    await until("all are dead", 5, () => !all.some(proc.isAlive));
  }));

test("L091: an upload that a worker's death cuts off leaves the target as it was, and no temporary", () =>
  Namespace.with({}, async (namespace) => {
    writeFileSync(namespace.path("target"), "old");
    const peer = await namespace.client.open(putRequest(`${inside}/target`, 1_000_000));
    await peer.send(frame(frameType.data, "x".repeat(500_000)));
    await until("the upload has begun", 5, () => temporaries(namespace.directory).length === 1);
    process.kill(await namespace.worker(), "SIGKILL");
    await namespace.client.ping();
    expect(temporaries(namespace.directory)).toEqual([]);
    expect(readFileSync(namespace.path("target"), "utf8")).toBe("old");
    peer.close();
  }));
