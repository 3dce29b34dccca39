// A command's deadline: the whole group dies, the host hears of it at once.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { runResult, type RunResult } from "../client.ts";
import { isAlive } from "../proc.ts";
import { until } from "../until.ts";
import type { Json } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

interface Timed extends RunResult {
  readonly seconds: number;
}

async function timed(cmd: string, timeout: Json): Promise<Timed> {
  const start = performance.now();
  const result = await agent.client.run(cmd, { timeout });
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/** The process ids a command printed, one a line. */
function printedPids(result: RunResult): number[] {
  return result.stdout.toString().trim().split("\n").map(Number);
}

async function expectDead(result: RunResult, count: number): Promise<void> {
  const pids = printedPids(result);
  expect(pids).toHaveLength(count);
  // An orphan is dead at once and a zombie until init collects it.
  await until("the whole group is dead", 1, () => pids.every((pid) => !isAlive(pid)));
}

describe("a command past its deadline", () => {
  test("0.2 s on sleep 60 is answered within 0.5 s", async () => {
    const result = await timed("sleep 60", 0.2);
    expect(result.object).toEqual({ ok: true, op: "timeout", timeout: 0.2 });
    expect(result.seconds).toBeGreaterThanOrEqual(0.2);
    expect(result.seconds).toBeLessThan(0.5);
  });

  test("has its grandchildren killed with it", async () => {
    const result = await timed("sleep 60 & echo $!; sh -c 'sleep 61 & echo $!; wait' & wait", 0.3);
    expect(result.object.op).toBe("timeout");
    await expectDead(result, 2);
  });

  test("dies though it ignores SIGTERM and others", async () => {
    const result = await timed("trap '' TERM INT HUP; echo $$; while :; do sleep 1; done", 0.2);
    expect(result.object.op).toBe("timeout");
    expect(result.seconds).toBeLessThan(0.5);
    await expectDead(result, 1);
  });

  test("dies though it has closed its pipes", async () => {
    const result = await timed("echo $$; exec >&- 2>&-; exec sleep 60", 0.2);
    expect(result.object).toEqual({ ok: true, op: "timeout", timeout: 0.2 });
    expect(result.seconds).toBeLessThan(0.5);
    await expectDead(result, 1);
  });

  test("dies though it is stopped", async () => {
    const result = await timed("echo $$; kill -STOP $$", 0.2);
    expect(result.object.op).toBe("timeout");
    await expectDead(result, 1);
  });

  test("has the grandchildren killed that outlive their parent", async () => {
    const result = await timed("sleep 60 & echo $!; exit 0", 0.2);
    expect(result.object.op).toBe("timeout");
    expect(result.seconds).toBeLessThan(0.5);
    await expectDead(result, 1);
  });

  test("is answered though a daemon of another session holds the pipe", async () => {
    const result = await timed("setsid sleep 60 & echo $!; sleep 60", 0.3);
    expect(result.object.op).toBe("timeout");
    expect(result.seconds).toBeLessThan(0.6);
    for (const pid of agent.leftovers()) process.kill(pid, "SIGKILL");
  });

  test("has sent what it wrote before", async () => {
    const result = await timed("echo out; echo err >&2; sleep 60", 0.3);
    expect([result.stdout.toString(), result.stderr.toString()]).toEqual(["out\n", "err\n"]);
    expect(result.object.op).toBe("timeout");
  });

  test("gets one terminator and nothing after it, output pouring in", async () => {
    const result = await timed("yes", 0.3);
    expect(result.object).toEqual({ ok: true, op: "timeout", timeout: 0.3 });
    expect(result.stdout.length).toBeGreaterThan(0);
  });

  test("dies though its reader has stopped, who gets the terminator later", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "yes", timeout: 0.3 });
    await peer.frame();
    await until("yes is killed", 2, () => agent.children().length === 0 && agent.leftovers().length === 0);
    expect((await runResult(peer)).object.op).toBe("timeout");
  });
});

describe("timeout", () => {
  const none: [string, Json][] = [["null", null], ["0", 0], ["0.0", 0], ["an hour", 3600], ["1e18", 1e18]];
  test.each(none)("%s does not end a short command", async (_, timeout) => {
    const result = await agent.client.run("sleep 0.2; echo done", { timeout });
    expect(result.stdout.toString()).toBe("done\n");
    expect(result.object).toEqual({ ok: true, op: "exit", exit_code: 0 });
  });

  test("is given back as a float", async () => {
    const { text } = await agent.client.run("sleep 60", { timeout: 1 });
    expect(text).toMatch(/"timeout": ?1\.0[,}]/);
  });

  test("of many commands at once fire each at its own time", async () => {
    const seconds = Array.from({ length: 30 }, (_, i) => 0.2 + ((i * 7) % 30) * 0.02);
    const results = await Promise.all(seconds.map((timeout) => timed("sleep 60", timeout)));
    for (const [i, result] of results.entries()) {
      expect(result.object).toEqual({ ok: true, op: "timeout", timeout: seconds[i] ?? 0 });
      expect(result.seconds).toBeGreaterThanOrEqual(seconds[i] ?? 0);
    }
  });

  test("that no longer matters disturbs nobody", async () => {
    await agent.client.run("true", { timeout: 0.1 });
    const result = await agent.client.run("sleep 0.4; exit 2");
    expect(result.object.exit_code).toBe(2);
  });

  const wrong: [string, Json][] = [["a word", "soon"], ["a list", [1]], ["an object", { s: 1 }]];
  test.each(wrong)("that is %s fails with a reply, leaves no process, and the agent goes on", async (_, timeout) => {
    const { object } = await agent.client.run("sleep 60", { timeout });
    expect(object.ok).toBe(false);
    expect(object.error).toEqual(expect.stringMatching(/^agent error: ./));
    await agent.settled();
  });
});

test("nothing is left behind", () => agent.settled());
