// Many requests at once: 64 are served, the others wait their turn, ping is always answered.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { runResult } from "../client.ts";
import { scale } from "../host.ts";
import type { Peer } from "../peer.ts";
import { until } from "../until.ts";

const served = 64;

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

test("100 concurrent sleep 1: all answered, at most 64 at a time", async () => {
  let most = 0;
  let finished = 0;
  const start = performance.now();
  const gate = agent.path("all-have-started");
  const requests = Array.from({ length: 100 }, async (_, i) => {
    // The first ones wait for each other: on a busy machine some would be over before the last has begun.
    const { object } = await agent.client.run(`until [ -e ${gate} ]; do sleep 0.1; done; sleep 1; exit ${i}`);
    finished++;
    return object.exit_code;
  });
  await until("64 have started", 60, () => agent.children().length === served);
  writeFileSync(gate, "");
  await until("all are answered", 60, () => {
    most = Math.max(most, agent.children().length);
    return finished === 100;
  });
  expect(await Promise.all(requests)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(most).toBeLessThanOrEqual(served);
  expect(performance.now() - start).toBeGreaterThan(1900); // two turns
});

describe("while 64 run", () => {
  const waiting = 20;
  let peers: Peer[] = [];

  const startedCount = (): number => peers.filter((peer) => peer.received > 0).length;

  beforeAll(async () => {
    const open = (): Promise<Peer> => agent.client.open({ op: "run", shell: "raw", cmd: "echo; exec sleep 60" });
    peers = await Promise.all(Array.from({ length: served }, open));
    await until("64 have started", 20, () => startedCount() === served);
    for (let i = 0; i < waiting; i++) {
      peers.push(await open());
      // Behind its answer the request before has been read, and has its turn.
      await agent.client.ping();
    }
  });

  test("no more are started", async () => {
    for (let round = 0; round < 20; round++) await agent.client.ping();
    expect(startedCount()).toBe(served);
    expect(agent.children()).toHaveLength(served);
  });

  test("ping is answered", async () => {
    await Promise.all(Array.from({ length: 50 }, () => agent.client.ping()));
  });

  test("a host that stops waiting is forgotten", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "touch should-not-run" });
    peer.close();
    await agent.client.ping();
  });

  test("each that ends lets one more start, in the order they came", async () => {
    const order: number[] = [];
    const waiters = peers.filter((peer) => peer.received === 0);
    for (let turn = 1; turn <= 5; turn++) {
      peers.find((peer) => peer.received > 0 && !peer.isEnded)?.close();
      peers = peers.filter((peer) => !peer.isEnded);
      await until("the next has started", 5, () => waiters.filter((peer) => peer.received > 0).length === turn);
      order.push(waiters.findIndex((peer, i) => peer.received > 0 && !order.includes(i)));
      expect(agent.children().length).toBeLessThanOrEqual(served);
    }
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  test("all of them hanging up lets a new one in", async () => {
    for (const peer of peers) peer.close();
    const { object } = await agent.client.run("exit 8");
    expect(object.exit_code).toBe(8);
    await agent.settled();
    expect(await Bun.file(agent.path("should-not-run")).exists()).toBe(false);
  });
});

test("connections without a request take no turn", async () => {
  const idle = await Promise.all(Array.from({ length: 2 * served }, () => agent.client.connect()));
  expect((await agent.client.run("exit 2")).object.exit_code).toBe(2);
  expect((await agent.client.put("file", Buffer.from("x"))).object).toEqual({ ok: true });
  for (const peer of idle) peer.close();
});

test("one busy stream starves nobody", async () => {
  const busy = await Promise.all(Array.from({ length: 4 }, () => agent.client.open({ op: "run", shell: "raw", cmd: "yes" })));
  let draining = true;
  const drained = busy.map(async (peer) => {
    while (draining) await peer.frame();
  });
  for (let round = 0; round < 50; round++) await agent.client.ping();
  expect((await agent.client.run("echo served")).stdout.toString()).toBe("served\n");
  draining = false;
  await Promise.all(drained);
  for (const peer of busy) peer.close();
});

test("requests of all kinds at once are each answered with their own", async () => {
  const work = Array.from({ length: 120 }, async (_, i) => {
    const content = Buffer.from(`${i}:`.repeat(20_000));
    expect((await agent.client.put(`mixed-${i}`, content)).object).toEqual({ ok: true });
    expect((await agent.client.get(`mixed-${i}`)).content.equals(content)).toBe(true);
    const result = await runResult(await agent.client.open({ op: "run", shell: "raw", cmd: `cat mixed-${i}` }));
    expect(result.stdout.equals(content)).toBe(true);
  });
  await Promise.all(work);
});

test("thousands of short commands are all answered", async () => {
  let left = scale.runs;
  const lane = async (): Promise<void> => {
    while (left-- > 0) expect((await agent.client.run("exit 1")).object.exit_code).toBe(1);
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
});

test("nothing is left behind", () => agent.settled());
