// What becomes of processes that end, and of those that others leave behind; lifecycle.md 1.9, 1.10.

import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { inside, Namespace } from "../namespace.ts";
import * as proc from "../proc.ts";
import { makeFifo } from "../scratch.ts";
import { until } from "../until.ts";

setDefaultTimeout(hangLimit);

/** A number in what a command has printed. */
const numberIn = (output: Buffer | string | undefined): number => Number.parseInt(output?.toString() ?? "");

/** The process that executes a command line, as this machine numbers it, once it is there. */
async function find(namespace: Namespace, commandLine: string): Promise<number> {
  let found: number | undefined;
  await until(commandLine, 10, () => {
    found = namespace.processes().find((pid) => proc.commandLine(pid).join(" ") === commandLine);
    return found !== undefined;
  });
  return found ?? 0;
}

const oomScore = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));

/** Starts a process in a session of its own, the number that the namespace counts on from given. Returns its pid inside. */
async function startAfter(namespace: Namespace, lastPid: number): Promise<number> {
  // The /proc of the namespace does not let /proc/sys be written.
  const numbers = "mkdir -p /mnt/numbers; mount -t proc proc /mnt/numbers";
  const start = `echo ${lastPid} >/mnt/numbers/sys/kernel/ns_last_pid; setsid sleep 601 >/dev/null 2>&1 & echo $!`;
  return numberIn(await namespace.enter(`${numbers}; ${start}; umount /mnt/numbers`));
}

test("L040: of 1,000 orphans that exit at once no zombie is left 1 s later", () =>
  Namespace.with({}, async (namespace) => {
    makeFifo(namespace.path("gate"));
    const gate = openSync(namespace.path("gate"), "r+");
    await namespace.client.run(
      `exec 3<${inside}/gate >/dev/null 2>&1; i=0; while [ $i -lt 1000 ]; do (read x <&3 &); i=$((i + 1)); done`,
    );
    await until("all of them are PID 1's", 20, () => proc.children(namespace.pid).length === 1001);
    closeSync(gate);
    await until("all of them are gone", 1, () => namespace.isIdle);
    await namespace.client.ping();
    // Bun and the emulator have threads of their own.
    if (host.name === "x86_64") expect(namespace.processes().map((pid) => proc.statusLine(pid, "Threads"))).toEqual(["1", "1"]);
  }));

test("L041: meanwhile 200 commands end with 200 exit codes, and every one is told right", () =>
  Namespace.with({}, async (namespace) => {
    writeFileSync(namespace.path("storm"), "");
    const storm = namespace.client.run(
      `n=0; while [ -e ${inside}/storm ] || [ $n -lt 1000 ]; do (exit 250 &); n=$((n + 1)); done; echo $n`,
    );
    const codes = Array.from({ length: 200 }, (_, i) => i);
    const told: unknown[] = [];
    // No more at once than the backlog takes.
    for (const half of [codes.slice(0, 100), codes.slice(100)]) {
      const replies = await Promise.all(half.map((code) => namespace.client.run(`exit ${code}`)));
      told.push(...replies.map(({ object }) => object.exit_code));
    }
    expect(told).toEqual(codes);
    rmSync(namespace.path("storm"));
    expect(numberIn((await storm).stdout)).toBeGreaterThanOrEqual(1000);
    await until("every orphan is reaped", 1, () => namespace.isIdle);
  }));

test("L042: of a service that ends at once the status is told", async () => {
  const codes = Array.from({ length: 40 }, (_, i) => i + 1);
  const commandLine = codes.map((code) => `mote.exec="exit ${code}"`).join(" ");
  await Namespace.with({ commandLine }, async (namespace) => {
    for (const code of codes) {
      await until(`the end of service ${code} is told`, 10, () =>
        namespace.stderr.includes(`service ended, exit code ${code}: exit ${code}\n`));
    }
    await until("they are reaped", 1, () => namespace.isIdle);
  });
});

test("L043: death by signal 9 and by SIGSEGV is told", () =>
  Namespace.with({ commandLine: 'mote.exec="kill -SEGV $$"' }, async (namespace) => {
    const codes = [];
    for (const signal of ["KILL", "SEGV"]) codes.push((await namespace.client.run(`kill -${signal} $$`)).object.exit_code);
    expect(codes).toEqual([-9, -11]);
    await until("that of a service too", 10, () => namespace.stderr.includes("service ended, killed by signal 11"));
  }));

test("L044: the time-out of a command that has finished kills nobody who has got its pid", () =>
  Namespace.with({}, async (namespace) => {
    const finished = await namespace.client.run("echo $$", { timeout: 1 });
    expect(finished.object.exit_code).toBe(0);
    const pid = numberIn(finished.stdout);
    expect(await startAfter(namespace, pid - 1)).toBe(pid);
    const foreign = await find(namespace, "sleep 601");
    // The deadline of this one comes after that of the first.
    expect((await namespace.client.run("exec sleep 600", { timeout: 1 })).object.op).toBe("timeout");
    expect(proc.isAlive(foreign)).toBe(true);
    // Nor does a worker's death.
    process.kill(await namespace.worker(), "SIGKILL");
    await namespace.client.ping();
    expect(proc.isAlive(foreign)).toBe(true);
  }));

test("L044: a pid is not given back while a time-out may still kill it", () =>
  Namespace.with({}, async (namespace) => {
    // The shell has ended; what it has started holds its output, in another group.
    const peer = await namespace.client.open({ op: "run", shell: "raw", cmd: "setsid sleep 600 & echo $$", timeout: 2 });
    const pid = numberIn((await peer.frame())?.payload);
    await until("the shell has ended", 5, () =>
      namespace.processes().some((other) => proc.statusLine(other, "NSpid").endsWith(`\t${pid}`) && !proc.isAlive(other)));
    expect(await startAfter(namespace, pid - 1)).not.toBe(pid);
    const foreign = await find(namespace, "sleep 601");
    const last = (await peer.frame())?.payload.toString() ?? "";
    expect(JSON.parse(last)).toMatchObject({ op: "timeout" });
    expect([foreign, await find(namespace, "sleep 600")].map(proc.isAlive)).toEqual([true, true]);
    peer.close();
  }));

test("L045: SIGKILL and others to PID 1 from inside have no effect", () =>
  Namespace.with({}, async (namespace) => {
    const pid = namespace.pid;
    const worker = await namespace.worker();
    await namespace.client.run("for signal in KILL STOP HUP QUIT ALRM TTIN TTOU TSTP; do kill -$signal 1; done");
    await namespace.client.ping();
    await namespace.client.run("(true &)");
    await until("it still reaps", 1, () => namespace.isIdle);
    expect([namespace.pid, namespace.isOver, proc.isAlive(pid)]).toEqual([pid, false, true]);
    expect(await namespace.worker()).toBe(worker);
  }));

const starters = [
  ["command", {}],
  ["service", { commandLine: 'mote.exec="exec sleep 600"' }],
] as const;

test.each(starters)("L047: a %s starts with nothing blocked or ignored, three descriptors, and dies before the agent", (kind, options) =>
  Namespace.with(options, async (namespace) => {
    if (kind === "command") void namespace.client.open({ op: "run", shell: "raw", cmd: "exec sleep 600" });
    const pid = await find(namespace, "sleep 600");
    // Before, the dynamic linker opens its libraries.
    await until("it sleeps", 10, () => proc.state(pid) === "S");
    const worker = await namespace.worker();
    const none = "0".repeat(16);
    expect(["SigBlk", "SigIgn", "ShdPnd"].map((name) => proc.statusLine(pid, name))).toEqual([none, none, none]);
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(["0", "1", "2"]);
    expect(oomScore(pid)).toBe(100);
    expect([namespace.pid, worker].map(oomScore)).toEqual([0, 0]);
  }));

test("L048: a peer that leaves while it is answered is no SIGPIPE", () =>
  Namespace.with({}, async (namespace) => {
    const worker = await namespace.worker();
    for (let round = 0; round < 20; round++) {
      const peer = await namespace.client.open({ op: "run", shell: "raw", cmd: "exec yes" });
      await peer.frame();
      peer.abort();
    }
    await until("their commands are gone", 5, () => namespace.isIdle);
    await namespace.client.ping();
    expect(await namespace.worker()).toBe(worker);
  }));

test("L050: beside another init, which gets the daemons that commands leave behind", async () => {
  // Not as PID 1: a shell is.
  const launcher = ["bash", "-c", '"$@" & while :; do wait; done', "init"];
  await Namespace.with({ launcher }, async (namespace) => {
    await namespace.client.run("(setsid sleep 600 >/dev/null 2>&1 &)");
    const daemon = await find(namespace, "sleep 600");
    expect(proc.children(namespace.pid)).toContain(daemon);
    expect(proc.commandLine(namespace.pid)[0]).toBe("bash");
    const [agent] = proc.children(namespace.pid).filter((pid) => proc.children(pid).length > 0);
    expect(proc.children(agent ?? 0).filter((pid) => !proc.commandLine(pid).includes("--worker"))).toEqual([]);
  });
});

test("L015: beside another init nothing of the machine is touched", async () => {
  const launcher = ["bash", "-c", 'exec 3>/mnt/test/before; cat /proc/self/mountinfo >&3; hostname >&3; sleep 600 & "$@" & while :; do wait; done', "init"];
  await Namespace.with({ launcher, name: "wrenn-init", commandLine: "mote.hostname=other ip=10.0.0.2::::box:lo:off" }, async (namespace) => {
    await namespace.client.ping();
    const foreign = await find(namespace, "sleep 600");
    expect(await namespace.enter("cat /proc/1/mountinfo; hostname")).toBe(readFileSync(namespace.path("before"), "utf8"));
    expect(await namespace.enter("ip -4 -o address show")).toBe("");
    const [agent = 0] = proc.children(namespace.pid).filter((pid) => proc.children(pid).length > 0);
    process.kill(agent, "SIGTERM");
    await until("the agent has ended", 5, () => !proc.isAlive(agent));
    expect(proc.isAlive(foreign)).toBe(true);
  });
});
