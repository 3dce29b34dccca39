// The supervisor and its worker beside another init; lifecycle.md 1.13.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { putRequest } from "../client.ts";
import { pausesUpToTheLongest } from "../kills.ts";
import { cpuTicks, descriptors, isAlive } from "../proc.ts";
import { temporaries } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

/** Kills in a row. */
const kills = Number(process.env.MOTE_KILLS ?? 40);

/** What kills a worker. Bun has handlers of its own for the rest, which take their time. */
const fatal: readonly NodeJS.Signals[] = host.name === "bun" ? ["SIGKILL"] : ["SIGSEGV", "SIGABRT", "SIGKILL", "SIGTRAP", "SIGBUS", "SIGILL"];

async function newWorker(agent: Agent, old: number): Promise<number> {
  let pid: number | undefined;
  await until("another worker is there", 20, () => {
    pid = agent.worker();
    return pid !== undefined && pid !== old;
  });
  return pid ?? 0;
}

async function current(agent: Agent): Promise<number> {
  await agent.client.ping();
  return await newWorker(agent, 0);
}

describe("a worker that is killed", () => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await Agent.start({ isSupervised: true });
  });
  afterAll(() => agent.stop());

  test("leaves the next client waiting, not refused", async () => {
    for (const signal of fatal) {
      const pid = await current(agent);
      process.kill(pid, signal);
      await until("it is dead", 20, () => !isAlive(pid));
      await agent.client.ping();
      expect(agent.worker()).not.toBe(pid);
    }
  });

  test("L080: again and again under load refuses nobody, answers all who came after it, and leaks nothing", async () => {
    // One that has not just had bad luck with its workers, and so starts them without a pause.
    const agent = await Agent.start({ isSupervised: true });
    await current(agent);
    const before = descriptors(agent.pid);
    let isOver = false;
    let refused = 0;
    const killTimes: number[] = [];
    const gaps: number[] = [];
    const lost: [number, number][] = [];
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const start = performance.now();
        await agent.client.ping().catch((error: Error & { code?: string }) => {
          // A reset right after connecting comes to Bun as a failed connect too.
          if (error.code === "ECONNREFUSED") refused++;
          lost.push([start, performance.now()]);
        });
      }
    });
    let pid = await current(agent);
    for (let round = 0; round < kills; round++) {
      killTimes.push(performance.now());
      process.kill(pid, fatal[round % fatal.length] ?? "SIGKILL");
      await until("it is dead", 20, () => !isAlive(pid));
      const dead = performance.now();
      await agent.client.ping();
      gaps.push(performance.now() - dead);
      pid = await newWorker(agent, pid);
      // A worker that lives a while was healthy: the next one comes without a pause.
      await Bun.sleep(110);
    }
    isOver = true;
    await Promise.all(load);
    expect(refused).toBe(0);
    // Only what was under way when a worker died is lost.
    expect(lost.filter(([start, end]) => !killTimes.some((time) => start <= time + 1 && time <= end + 1))).toEqual([]);
    gaps.sort((a, b) => a - b);
    console.log(`${kills} kills: ${(gaps[Math.floor(gaps.length / 2)] ?? 0).toFixed(1)} ms from death to the next answer at the median`);
    await agent.client.ping();
    await until("every child but the worker is reaped", 5, () => agent.children().length === 0);
    expect(descriptors(agent.pid)).toBe(before);
    await agent.stop();
  });

  test("L085: takes the groups of its commands along", async () => {
    const commands = ["echo $$; exec sleep 600", "sleep 600 & echo $$ $!; wait", "trap '' TERM HUP; echo $$; while :; do sleep 1; done"];
    const peers = await Promise.all(commands.map((cmd) => agent.client.open({ op: "run", shell: "raw", cmd })));
    const pids: number[] = [];
    for (const peer of peers) pids.push(...((await peer.frame())?.payload.toString() ?? "").trim().split(" ").map(Number));
    expect(pids).toHaveLength(4);
    expect(pids.every(isAlive)).toBe(true);
    process.kill(await newWorker(agent, 0), "SIGKILL");
    await until("all of them are dead", 1, () => !pids.some(isAlive));
    for (const peer of peers) peer.close();
  });

  test("spares a daemon that has left the group", async () => {
    await agent.client.run("setsid sh -c 'echo $$ >daemon; exec sleep 600' >/dev/null 2>&1 &");
    await until("the daemon is there", 5, () => existsSync(agent.path("daemon")) && readFileSync(agent.path("daemon")).length > 1);
    const daemon = Number(readFileSync(agent.path("daemon"), "utf8"));
    const pid = await current(agent);
    process.kill(pid, "SIGKILL");
    await newWorker(agent, pid);
    await agent.client.ping();
    expect(isAlive(daemon)).toBe(true);
    process.kill(daemon, "SIGKILL");
  });

  test("L091: leaves the target of an upload as it was, and no temporary", async () => {
    writeFileSync(agent.path("target"), "old");
    const peer = await agent.client.open(putRequest(agent.path("target"), 1_000_000));
    await peer.send(frame(frameType.data, "x".repeat(500_000)));
    await until("the upload has begun", 5, () => temporaries(agent.directory).length === 1);
    process.kill(await newWorker(agent, 0), "SIGKILL");
    await agent.client.ping();
    expect(temporaries(agent.directory)).toEqual([]);
    expect(readFileSync(agent.path("target"), "utf8")).toBe("old");
    peer.close();
  });
});

test("L088: a worker that dies at once, for ever, is restarted after longer and longer pauses", () =>
  Agent.with({ isSupervised: true }, async (agent) => {
    const before = cpuTicks(agent.pid);
    const start = performance.now();
    const pauses = await pausesUpToTheLongest(await current(agent), async (pid) => {
      process.kill(pid, "SIGKILL");
      return await newWorker(agent, pid);
    });
    expect(pauses.length).toBeGreaterThan(6);
    const seconds = (performance.now() - start) / 1000;
    if (host.name === "x86_64") expect((cpuTicks(agent.pid) - before) / 100 / seconds).toBeLessThan(0.05);
    await agent.client.ping();
  }));

test("L090: a supervisor that is killed takes its worker along", async () => {
  const agent = await Agent.start({ isSupervised: true });
  const pid = await current(agent);
  agent.kill("SIGKILL");
  await until("the worker is dead", 5, () => !isAlive(pid));
  await agent.dispose();
});

test("L049: SIGTERM with a client on an endless stream ends both with 0", async () => {
  const agent = await Agent.start({ isSupervised: true });
  const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "echo $$; exec yes" });
  const pid = Number.parseInt((await peer.frame())?.payload.toString() ?? "");
  const worked = await newWorker(agent, 0);
  agent.kill("SIGTERM");
  expect(await agent.exited).toBe(0);
  expect(isAlive(worked)).toBe(false);
  await until("the command is dead", 1, () => !isAlive(pid));
  peer.close();
  await agent.dispose();
});

test("L046: SIGHUP, SIGUSR1, SIGUSR2 and SIGPWR are nothing to an agent beside an init", () =>
  Agent.with({ isSupervised: true }, async (agent) => {
    await current(agent);
    for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPWR"] as const) agent.kill(signal);
    await agent.client.ping();
    expect(agent.exitCode).toBeNull();
  }));
