// The environment of a command: the agent's own, overlaid with the request's.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { runResult } from "../client.ts";
import type { Json } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start({ env: { HOME: "/agent-home", MOTE_KEPT: "kept = yes", MOTE_EMPTY: "" } });
});
afterAll(() => agent.stop());

/** The value of `X` as the command sees it, for a JSON text as its value. */
async function valueOf(json: string): Promise<string> {
  const peer = await agent.client.open(`{"op": "run", "shell": "raw", "cmd": "printf '%s' \\"$X\\"", "env": {"X": ${json}}}`);
  const result = await runResult(peer);
  expect(result.object).toEqual({ ok: true, op: "exit", exit_code: 0 });
  return result.stdout.toString();
}

describe("values become strings as Python's str has it", () => {
  const values: [string, string][] = [
    ['"text"', "text"],
    ['""', ""],
    ['"two\\nlines = \\"q\\""', 'two\nlines = "q"'],
    ['"\\u00e9\\ud83d\\ude00"', "é😀"],
    ['"a\\ud800b"', "a\ufffdb"],
    ["1", "1"],
    ["-7", "-7"],
    ["0", "0"],
    ["1.5", "1.5"],
    ["30.0", "30.0"],
    ["1e3", "1000.0"],
    ["0.1", "0.1"],
    ["1e-7", "1e-07"],
    ["1e16", "1e+16"],
    ["-0.0", "-0.0"],
    ["9007199254740992", "9007199254740992"],
    ["9007199254740993", "9007199254740993"],
    ["true", "True"],
    ["false", "False"],
    ["null", "None"],
    ['[1, "a", null]', "[1, 'a', None]"],
    ['{"a": true}', "{'a': True}"],
  ];
  test.each(values)("%s is %j", async (json, text) => {
    expect(await valueOf(json)).toBe(text);
  });
});

describe("env", () => {
  const show = "echo \"$HOME|$MOTE_KEPT|${MOTE_EMPTY-unset}\"";

  test("overrides, and leaves the rest", async () => {
    const result = await agent.client.run(show, { env: { HOME: "/other", MOTE_NEW: "x" } });
    expect(result.stdout.toString()).toBe("/other|kept = yes|\n");
  });

  const none: [string, Record<string, Json>][] = [["absent", {}], ["null", { env: null }], ["empty", { env: {} }]];
  test.each(none)("%s: the agent's own environment", async (_, keys) => {
    expect((await agent.client.run(show, keys)).stdout.toString()).toBe("/agent-home|kept = yes|\n");
  });

  test("touches this command alone", async () => {
    await agent.client.run("true", { env: { MOTE_KEPT: "changed" } });
    expect((await agent.client.run("echo $MOTE_KEPT")).stdout.toString()).toBe("kept = yes\n");
  });

  test("names no variable twice", async () => {
    const result = await agent.client.run("env | grep -c '^HOME='", { env: { HOME: "/once" } });
    expect(result.stdout.toString()).toBe("1\n");
  });

  test("duplicate keys: the last wins", async () => {
    const peer = await agent.client.open('{"op": "run", "shell": "raw", "cmd": "echo $X", "env": {"X": "a", "X": "b"}}');
    expect((await runResult(peer)).stdout.toString()).toBe("b\n");
  });

  test("takes many and large values", async () => {
    const env: Record<string, Json> = {};
    for (let i = 0; i < 1000; i++) env[`MOTE_V${i}`] = `${i}`.repeat(20);
    env.MOTE_LARGE = "x".repeat(100_000);
    const result = await agent.client.run("env | grep -c ^MOTE_V; echo ${#MOTE_LARGE} $MOTE_V999", { env });
    expect(result.stdout.toString()).toBe(`1000\n100000 ${"999".repeat(20)}\n`);
  });

  test("larger than the kernel takes: spawn failed", async () => {
    const { object } = await agent.client.run("true", { env: { BIG: "x".repeat(1_000_000) } });
    expect(object).toEqual({ ok: false, op: "error", error: expect.stringMatching(/^spawn failed: \[Errno 7\] Argument list too long/) });
  });

  const wrong: [string, Json][] = [
    ["a list", ["A=b"]],
    ["a string", "A=b"],
    ["a number", 5],
    ["a NUL in a value", { A: "a\0b" }],
    ["a NUL in a key", { "A\0B": "x" }],
    ["an = in a key", { "A=B": "x" }],
  ];
  test.each(wrong)("that is or has %s fails with a reply, and the agent goes on", async (_, env) => {
    const { object } = await agent.client.run("true", { env });
    expect(object.ok).toBe(false);
    expect(object.error).toEqual(expect.stringMatching(/^agent error: ./));
    await agent.client.ping();
  });
});

test("nothing is left behind", () => agent.settled());
