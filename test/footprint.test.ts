// What the agent costs a machine: resident memory idle, after load and under it, and size on disk.
// The figures are promised for the x86_64 binary; sizes for both.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent } from "./agent.ts";
import { Daemon } from "./envd/daemon.ts";
import { enter, guest, leave, listening } from "./envd/network.ts";
import { Server } from "./envd/stream.ts";
import { fileContent, jsonFrame, lastReply, putRequest } from "./client.ts";
import { host } from "./host.ts";
import type { Peer } from "./peer.ts";
import { cpuSeconds, isAlive, type Memory, wakeUps } from "./proc.ts";
import { until } from "./until.ts";
import { frame, frameType } from "./wire.ts";

setDefaultTimeout(120_000);

const kB = 1024;
const gigabyte = 1_000_000_000;

if (host.name !== "x86_64") throw new Error("The footprint is promised for the x86_64 binary: set MOTE_HOST=x86_64.");

describe("size of", () => {
  const binaries: [string, number][] = [["mote-x86_64", 640], ["mote-aarch64", 640]];
  test.each(binaries)("dist/%s is at most %d kB", (name, limit) => {
    expect(statSync(join(import.meta.dir, "../dist", name)).size).toBeLessThanOrEqual(limit * kB);
  });
});

/** Memory once the agent has come to rest: the same for a second. */
async function memoryAtRest(agent: Agent): Promise<Memory> {
  let last = agent.memory();
  await until("memory no longer changes", 10, async () => {
    const before = last.rss;
    await Bun.sleep(1000); // the second
    last = agent.memory();
    return last.rss === before;
  });
  return last;
}

describe("idle", () => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await Agent.start();
  });
  afterAll(() => agent.stop());

  test("resident memory is at most 96 kB, 64 kB of it anonymous", async () => {
    const { rss, anonymous } = await memoryAtRest(agent);
    console.log(`idle: ${rss / kB} kB resident, ${anonymous / kB} kB anonymous`);
    expect(rss).toBeLessThanOrEqual(96 * kB);
    expect(anonymous).toBeLessThanOrEqual(64 * kB);
  });
});

describe("idle, with both protocols and a forwarded port", () => {
  const seconds = 20;
  beforeAll(() => enter());
  afterAll(() => leave());

  test("at most 400 kB are resident, at most 0.1 % of a CPU is taken, and there are at most 2 wake-ups a second", () =>
    Daemon.with({ args: ["--isnotfc", "--forward=on", "--listen", "tcp:127.0.0.1:1024"] }, async (daemon) => {
      const server = Server.echo("127.0.0.1", 8000);
      await until("it is forwarded", 10, () => listening(daemon.pid).includes(`${guest}:8000`));
      await Bun.sleep(3000); // at rest
      const cpu = cpuSeconds(daemon.pid);
      const count = wakeUps(daemon.pid);
      await Bun.sleep(seconds * 1000); // what is measured
      const share = (cpuSeconds(daemon.pid) - cpu) / seconds;
      const often = (wakeUps(daemon.pid) - count) / seconds;
      const { rss } = daemon.memory();
      console.log(`idle, forwarding: ${rss / kB} kB resident, ${(share * 100).toFixed(3)} % of a CPU, ${often.toFixed(2)} wake-ups a second`);
      expect(rss).toBeLessThanOrEqual(400 * kB);
      expect(share).toBeLessThanOrEqual(0.001);
      expect(often).toBeLessThanOrEqual(2);
      server.stop();
    }));
});

/** Runs `work` `count` times, `lanes` of them at a time. */
async function repeat(count: number, lanes: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (left-- > 0) await work();
    }),
  );
}

async function upload(agent: Agent): Promise<void> {
  const peer = await agent.client.open(putRequest(agent.path("upload"), gigabyte));
  const chunk = frame(frameType.data, new Uint8Array(62_500));
  const several = Buffer.concat(Array.from({ length: 16 }, () => chunk));
  for (let sent = 0; sent < gigabyte; sent += 1_000_000) await peer.send(several);
  expect((await lastReply(peer)).object).toEqual({ ok: true });
  expect(statSync(agent.path("upload")).size).toBe(gigabyte);
  truncateSync(agent.path("upload"), 0);
}

async function download(agent: Agent): Promise<void> {
  writeFileSync(agent.path("download"), "");
  truncateSync(agent.path("download"), gigabyte); // a hole, so that the disk is no part of it
  const peer = await agent.client.open({ op: "get_file", path: agent.path("download") });
  expect((await jsonFrame(peer)).object.ok).toBe(true);
  let received = 0;
  await fileContent(peer, (payload) => {
    received += payload.length;
  });
  expect(received).toBe(gigabyte);
}

const loads: [string, (agent: Agent) => Promise<void>][] = [
  ["100,000 pings", (agent) => repeat(100_000, 16, () => agent.client.ping())],
  ["1,000 runs", (agent) => repeat(1000, 8, async () => void (await agent.client.run("true")))],
  ["1 GB up", upload],
  ["1 GB down", download],
];

describe("within 2 s resident memory is within 64 kB of its own idle value after", () => {
  let agent: Agent;
  let idle = 0;
  beforeEach(async () => {
    agent = await Agent.start();
    idle = (await memoryAtRest(agent)).rss;
  });
  afterEach(() => agent.stop());

  async function expectIdleAgain(): Promise<void> {
    let lowest = Number.POSITIVE_INFINITY;
    try {
      await until("memory is given back", 2, () => {
        lowest = Math.min(lowest, agent.memory().rss);
        return lowest <= idle + 64 * kB;
      });
    } finally {
      console.log(`resident: ${idle / kB} kB idle, ${lowest / kB} kB after`);
    }
  }

  test.each(loads)("%s", async (_, load) => {
    await load(agent);
    await expectIdleAgain();
  });

  test("all of these in turn", async () => {
    for (const [, load] of loads) await load(agent);
    await expectIdleAgain();
  });
});

describe("64 endless streams with slow readers", () => {
  let agent: Agent;
  let peers: Peer[] = [];
  let isReading = true;
  beforeAll(async () => {
    agent = await Agent.start();
    peers = await Promise.all(Array.from({ length: 64 }, () => agent.client.open({ op: "run", shell: "raw", cmd: "echo $$; exec yes" })));
  });
  afterAll(() => agent.stop());

  test("leave resident memory at most 8 MB, and a ping at the median at most 50 ms", async () => {
    const pids = await Promise.all(peers.map(async (peer) => Number.parseInt((await peer.frame())?.payload.toString() ?? "")));
    const readers = peers.map(async (peer) => {
      while (isReading && (await peer.frame()) !== undefined) await Bun.sleep(20); // a slow reader
    });
    const times: number[] = [];
    let most = 0;
    for (let round = 0; round < 200; round++) {
      const start = performance.now();
      await agent.client.ping();
      times.push(performance.now() - start);
      most = Math.max(most, agent.memory().rss);
    }
    isReading = false;
    await Promise.all(readers);
    expect(pids.every(isAlive)).toBe(true);
    times.sort((a, b) => a - b);
    const median = times[times.length / 2] ?? Number.POSITIVE_INFINITY;
    console.log(`64 streams: ${most / kB} kB resident, ping ${median.toFixed(2)} ms at the median`);
    expect(most).toBeLessThanOrEqual(8 * 1024 * kB);
    expect(median).toBeLessThanOrEqual(50);
  });

  test("and none of it stays when they hang up", async () => {
    for (const peer of peers) peer.close();
    await agent.settled();
  });
});
