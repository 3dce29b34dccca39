// A request must be complete within 60 s; what follows it may take as long as it likes. Everything
// here waits at the same time, so that the file takes little more than a minute.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Agent } from "../agent.ts";
import { lastReply, putRequest, runResult } from "../client.ts";
import { Peer } from "../peer.ts";
import { freePort } from "../port.ts";
import { frame, frameType, header, request } from "../wire.ts";

const tcpPort = freePort();

setDefaultTimeout(120_000);

let agent: Agent;
let start = 0;
beforeAll(async () => {
  agent = await Agent.start({ args: ["--listen", "unix:agent.sock", "--listen", `tcp:127.0.0.1:${tcpPort}`], listeners: 2 });
  start = performance.now();
});
afterAll(() => agent.stop());

const seconds = (): number => (performance.now() - start) / 1000;

/** Awaits that the agent, and not we, ends the connection, and says after how many seconds. */
async function dropped(peer: Peer): Promise<number> {
  await peer.ending();
  expect(peer.received).toBe(0);
  peer.close();
  return seconds();
}

function expectOneMinute(time: number): void {
  expect(time).toBeGreaterThan(59);
  expect(time).toBeLessThan(63);
}

describe("at 60 s", () => {
  const whole = request({ op: "ping", filler: "x".repeat(100) });
  const beginnings: [string, Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["half a header", whole.subarray(0, 3)],
    ["a header", header(frameType.json, 1000)],
    ["half a request", whole.subarray(0, 60)],
  ];

  test.concurrent.each(beginnings)("a connection that sent %s is dropped", async (_, bytes) => {
    const peer = await agent.client.connect();
    await peer.send(bytes);
    expectOneMinute(await dropped(peer));
  });

  test.concurrent("a TCP connection that sent nothing is dropped", async () => {
    expectOneMinute(await dropped(await Peer.connect({ hostname: "127.0.0.1", port: tcpPort })));
  });

  test.concurrent("one byte a second does not help, and harms nobody", async () => {
    const peer = await agent.client.connect();
    const drip = setInterval(() => {
      if (!peer.isEnded) void peer.send(whole.subarray(10, 11)); // the rest of a long, long header's payload
    }, 1000);
    await peer.send(header(frameType.json, 1000));
    const others = setInterval(() => void agent.client.ping(), 1000);
    try {
      expectOneMinute(await dropped(peer));
    } finally {
      clearInterval(drip);
      clearInterval(others);
    }
  });

  test.concurrent("a command goes on", async () => {
    const result = await agent.client.run("sleep 62; echo done");
    expect(result.stdout.toString()).toBe("done\n");
    expect(result.object.exit_code).toBe(0);
  });

  test.concurrent("an upload goes on that began within them", async () => {
    const peer = await agent.client.open(putRequest("slow", 3));
    for (const byte of ["a", "b"]) {
      await peer.send(frame(frameType.data, byte));
      await Bun.sleep(31_000); // a slow host
    }
    expect(peer.isEnded).toBe(false);
    await peer.send(frame(frameType.data, "c"));
    expect((await lastReply(peer)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("slow"), "utf8")).toBe("abc");
  });

  test.concurrent("a request that came complete in the last seconds is served", async () => {
    const peer = await agent.client.connect();
    await peer.send(whole.subarray(0, 20));
    await Bun.sleep(56_000); // a slow host
    await peer.send(whole.subarray(20));
    expect((await lastReply(peer)).object.op).toBe("pong");
  });

  test.concurrent("a command whose reader has stopped goes on when it reads again", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "head -c 3000000 /dev/zero" });
    await peer.frame();
    await Bun.sleep(62_000); // a slow host
    const result = await runResult(peer);
    expect(result.object.exit_code).toBe(0);
  });
});

test("nothing is left behind", () => agent.settled());
