// Peers that break the rules: everybody else is served, memory stays bounded, nothing leaks.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { scale } from "../host.ts";
import { lastReply } from "../client.ts";
import type { Peer } from "../peer.ts";
import { cpuTicks } from "../proc.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameLimit, frameType, header, request } from "../wire.ts";

const held = 1024;

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
  await agent.client.ping();
});
afterAll(() => agent.stop());

/** Opens that many; a ping now and then lets the agent empty its backlog, which is of 128. */
async function connections(count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 64 === 63) await agent.client.ping();
    peers.push(await agent.client.connect());
  }
  return peers;
}

/** Runs `body` and expects resident memory to end within the host's bound of where it began. */
async function withBoundedMemory(body: () => Promise<void>): Promise<void> {
  const before = agent.memory().rss;
  await body();
  await agent.client.ping();
  expect(agent.memory().rss - before).toBeLessThan(scale.growth);
}

test("random bytes", () =>
  withBoundedMemory(async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const peer = await agent.client.connect();
      await peer.send(noise(1 + ((seed * 97) % 3000), seed));
      peer.endSending();
      await peer.ending();
      expect(peer.received).toBe(0);
      if (seed % 30 === 0) await agent.client.ping();
    }
  }));

test("random bytes within a JSON frame", () =>
  withBoundedMemory(async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const peer = await agent.client.connect();
      await peer.send(frame(frameType.json, noise((seed * 89) % 3000, seed)));
      await peer.ending();
      expect(peer.received).toBe(0);
    }
  }));

test("half a header, or half a request, and then nothing", async () => {
  const whole = request({ op: "ping" });
  const peers = await connections(60);
  for (const [i, peer] of peers.entries()) await peer.send(whole.subarray(0, i % whole.length));
  for (let round = 0; round < 20; round++) await agent.client.ping();
  expect((await agent.client.run("exit 3")).object.exit_code).toBe(3);
  for (const peer of peers) peer.close();
  await agent.settled();
});

test("a request one byte at a time, others being served between any two", async () => {
  const peer = await agent.client.connect();
  for (const byte of request({ op: "ping", v: 1 })) {
    await peer.send(Uint8Array.of(byte));
    await agent.client.ping();
  }
  expect((await lastReply(peer)).object.op).toBe("pong");
});

test("a reply nobody reads", () =>
  withBoundedMemory(async () => {
    const error = "x".repeat(600_000); // as long as the name of the operation it repeats
    const peers = await Promise.all(Array.from({ length: 2 }, () => agent.client.open({ op: error })));
    await until("the replies are under way", 10, () => peers.every((peer) => peer.received > 0));
    for (const peer of peers) peer.close();
    await agent.settled();
  }));

test("payload after a request that takes none", async () => {
  const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "sleep 0.2; echo done" });
  for (let i = 0; i < 200 && (await peer.send(frame(frameType.data, noise(1000)))); i++);
  expect((await peer.frame())?.payload.toString()).toBe("done\n");
  peer.close();
  await agent.settled();
});

test("an upload whose payload never comes", async () => {
  const peers = await Promise.all(Array.from({ length: 30 }, (_, i) => agent.client.open({ op: "put_file", path: `never-${i}`, size: 2 ** 53 })));
  await agent.client.ping();
  expect((await agent.client.run("exit 3")).object.exit_code).toBe(3);
  for (const peer of peers) peer.close();
  await agent.settled();
});

describe("idle connections", () => {
  test("1,000 of them: pings are answered, memory is bounded, all are closed after", () =>
    withBoundedMemory(async () => {
      const peers = await connections(1000);
      await withBoundedMemory(async () => {
        for (let round = 0; round < 100; round++) await agent.client.ping();
      });
      expect((await agent.client.run("echo served")).stdout.toString()).toBe("served\n");
      for (const peer of peers) peer.close();
      await agent.settled(20);
    }));

  test("cost no processor time", async () => {
    const peers = await connections(500);
    await agent.client.ping();
    const before = cpuTicks(agent.pid);
    await Bun.sleep(1000); // the time over which idleness is measured
    expect(cpuTicks(agent.pid) - before).toBeLessThanOrEqual(5);
    for (const peer of peers) peer.close();
    await agent.settled(20);
  });

  test("at most 1,024 are held, the rest wait in the backlog and are served later", async () => {
    const idle = agent.descriptors();
    const first = await connections(held);
    await until("1,024 are held", 20, () => agent.descriptors() === idle + held);
    const late = await connections(60);
    for (const peer of late) await peer.send(request({ op: "ping" }));
    const before = cpuTicks(agent.pid);
    await Bun.sleep(500); // time in which a wrong agent would accept, or spin
    expect(agent.descriptors()).toBe(idle + held);
    expect(late.filter((peer) => peer.received > 0)).toHaveLength(0);
    expect(cpuTicks(agent.pid) - before).toBeLessThanOrEqual(5);
    for (const peer of first) peer.close();
    for (const peer of late) expect((await lastReply(peer)).object.op).toBe("pong");
    await agent.settled(20);
  });
});

test("large announced frames on many connections, a few bytes each", () =>
  withBoundedMemory(async () => {
    const peers = await connections(200);
    for (const peer of peers) await peer.send(Buffer.concat([header(frameType.json, frameLimit), Buffer.from('{"op": "ping", ')]));
    await agent.client.ping();
    for (const peer of peers) peer.close();
    await agent.settled(20);
  }));

test("10,000 connections that come and go", () =>
  withBoundedMemory(async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let i = 0; i < 500; i++) {
          const peer = await agent.client.connect();
          if (lane % 2 === 0) await peer.send(Uint8Array.of(1));
          peer.close();
          if (i % 5 === 4) await agent.client.ping();
        }
      }),
    );
    await agent.settled(20);
  }));

test("running out of descriptors is waited out, without spinning", () =>
  Agent.with({ launcher: ["prlimit", "--nofile=64:64"] }, async (poor) => {
    const peers = await Promise.all(Array.from({ length: 120 }, () => poor.client.connect()));
    let taken = -1;
    await until("it accepts no more", 10, async () => {
      const last = taken;
      await Bun.sleep(100);
      taken = poor.descriptors();
      return taken === last;
    });
    expect(taken).toBeLessThanOrEqual(64);
    const before = cpuTicks(poor.pid);
    await Bun.sleep(500); // time in which a wrong agent would spin
    expect(cpuTicks(poor.pid) - before).toBeLessThanOrEqual(10);
    for (const peer of peers) peer.close();
    expect((await poor.client.run("echo again")).stdout.toString()).toBe("again\n");
  }));

test("nothing is left behind", () => agent.settled());
