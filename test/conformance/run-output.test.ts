// What a command writes arrives whole, in order, in frames of the allowed size.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { jsonFrame, lastReply, runResult } from "../client.ts";
import { scale } from "../host.ts";
import { cpuTicks, isAlive } from "../proc.ts";
import { makeFifo, sha256, writeFifo } from "../scratch.ts";
import { until } from "../until.ts";
import { frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

describe("streams", () => {
  test("standard output only", async () => {
    const result = await agent.client.run("echo out");
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(["out\n", ""]);
    expect(result.object).toEqual({ ok: true, op: "exit", exit_code: 0 });
  });

  test("standard error only", async () => {
    const result = await agent.client.run("echo err >&2");
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(["", "err\n"]);
  });

  test("neither", async () => {
    const result = await agent.client.run(":");
    expect([result.stdout.length, result.stderr.length]).toEqual([0, 0]);
  });

  test("both interleaved keep the order within each", async () => {
    const result = await agent.client.run("i=0; while [ $i -lt 2000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done");
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    expect(result.stdout.toString()).toBe(numbers.map((i) => `o${i}\n`).join(""));
    expect(result.stderr.toString()).toBe(numbers.map((i) => `e${i}\n`).join(""));
  });

  test("bytes come as they are written, not at the end", async () => {
    makeFifo(agent.path("gate"));
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: `echo ready; read line <gate; echo "got $line"` });
    const first = await peer.frame();
    expect(first?.type).toBe(frameType.stdout);
    expect(first?.payload.toString()).toBe("ready\n");
    await writeFifo(agent.path("gate"), "word");
    expect((await runResult(peer)).stdout.toString()).toBe("got word\n");
  });
});

describe("large output", () => {
  test("arrives with the right hash", async () => {
    const result = await agent.client.run(`head -c ${scale.output} /dev/urandom | tee copy | cat`);
    expect(result.stdout.length).toBe(scale.output);
    expect(sha256(result.stdout)).toBe(sha256(await Bun.file(agent.path("copy")).bytes()));
  });

  test("on both streams at once arrives whole", async () => {
    const half = scale.output / 10;
    const result = await agent.client.run(`head -c ${half} /dev/zero & head -c ${half} /dev/zero >&2; wait`);
    expect([result.stdout.length, result.stderr.length]).toEqual([half, half]);
  });

  test("binary output keeps NUL and 0xFF", async () => {
    const result = await agent.client.run("printf '\\000\\377\\000\\012\\377'; printf '\\377\\000' >&2");
    expect([...result.stdout]).toEqual([0, 255, 0, 10, 255]);
    expect([...result.stderr]).toEqual([255, 0]);
  });

  test("many one-line writes arrive in order", async () => {
    const result = await agent.client.run(`i=0; while [ $i -lt ${scale.lines} ]; do echo $i; i=$((i+1)); done`);
    expect(result.stdout.toString()).toBe(Array.from({ length: scale.lines }, (_, i) => `${i}\n`).join(""));
  });
});

describe("a reader that stops", () => {
  test("stops the command, not the agent, and costs no memory", async () => {
    const before = agent.memory().rss;
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "echo $$; exec yes" });
    const first = await peer.frame();
    const pid = Number.parseInt(first?.payload.toString() ?? "");
    let ticks = -1;
    await until("yes no longer gets to run", 10, async () => {
      const last = ticks;
      await Bun.sleep(100);
      ticks = cpuTicks(pid);
      return ticks === last;
    });
    expect(isAlive(pid)).toBe(true);
    await agent.client.ping();
    expect(agent.memory().rss - before).toBeLessThan(scale.growth);
    peer.close();
    await until("the command ends with its reader", 1, () => !isAlive(pid));
  });

  test("and goes on later gets everything", async () => {
    const bytes = 3_000_000;
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: `head -c ${bytes} /dev/zero` });
    await until("the pipes are full", 5, () => peer.received > 100_000);
    await agent.client.run("sleep 0.2");
    const result = await runResult(peer);
    expect(result.stdout.length).toBe(bytes);
    expect(result.object.exit_code).toBe(0);
  });
});

describe("a host that half-closes after its request", () => {
  test("is still served by run", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "sleep 0.3; echo late; exit 7" });
    peer.endSending();
    const result = await runResult(peer);
    expect(result.stdout.toString()).toBe("late\n");
    expect(result.object.exit_code).toBe(7);
  });

  test("is still served by put_file", async () => {
    const peer = await agent.client.open({ op: "put_file", path: "half", size: 0 });
    peer.endSending();
    expect((await lastReply(peer)).object).toEqual({ ok: true });
  });

  test("is still served by get_file", async () => {
    const peer = await agent.client.open({ op: "get_file", path: "/proc/version" });
    peer.endSending();
    expect((await jsonFrame(peer)).object.ok).toBe(true);
    expect((await peer.frame())?.type).toBe(frameType.data);
    expect((await peer.frame())?.type).toBe(frameType.eof);
    expect(await peer.ending()).toBe("eof");
  });
});

test("nothing is left behind", () => agent.settled());
