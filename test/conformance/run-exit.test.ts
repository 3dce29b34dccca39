// How a command ends: exit codes, signals, what keeps it running, and failing to start.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { runResult } from "../client.ts";
import { isAlive } from "../proc.ts";
import { makeFifo, writeFifo } from "../scratch.ts";
import { until } from "../until.ts";
import type { Json } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

describe("exit code", () => {
  test.each([0, 1, 3, 127, 255])("%d", async (code) => {
    const { object } = await agent.client.run(`exit ${code}`);
    expect(object).toEqual({ ok: true, op: "exit", exit_code: code });
  });

  test("127 for a command the shell cannot find", async () => {
    const result = await agent.client.run("no-such-command-anywhere");
    expect(result.object.exit_code).toBe(127);
    expect(result.stderr.toString()).toContain("not found");
  });

  const signals: [string, number][] = [["KILL", 9], ["TERM", 15], ["HUP", 1], ["INT", 2], ["PIPE", 13], ["USR1", 10]];
  test.each(signals)("death by SIG%s is the negative number", async (name, number) => {
    const { object } = await agent.client.run(`kill -${name} $$`);
    expect(object).toEqual({ ok: true, op: "exit", exit_code: -number });
  });

  test("death by SIGABRT of a child is the shell's 134", async () => {
    expect((await agent.client.run("sh -c 'kill -ABRT $$'; exit $?")).object.exit_code).toBe(134);
  });

  test("of many commands at once reaches the right host", async () => {
    const codes = Array.from({ length: 60 }, (_, i) => i);
    const replies = await Promise.all(codes.map((code) => agent.client.run(`echo ${code}; exit ${code}`)));
    expect(replies.map((reply) => reply.object.exit_code)).toEqual(codes);
    expect(replies.map((reply) => reply.stdout.toString())).toEqual(codes.map((code) => `${code}\n`));
  });
});

describe("the answer waits for", () => {
  test("a grandchild that holds a pipe open", async () => {
    makeFifo(agent.path("hold"));
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "(read line <hold; echo grandchild) & exit 4" });
    await until("the shell has exited and its grandchild lives on", 5, () => agent.leftovers().length === 1 && !agent.children().some(isAlive));
    expect(peer.received).toBe(0);
    await writeFifo(agent.path("hold"), "go");
    const result = await runResult(peer);
    expect(result.stdout.toString()).toBe("grandchild\n");
    expect(result.object.exit_code).toBe(4);
  });

  test("a child that has closed its pipes", async () => {
    const start = performance.now();
    const { object } = await agent.client.run("exec >&- 2>&-; sleep 0.5; exit 6");
    expect(object.exit_code).toBe(6);
    expect(performance.now() - start).toBeGreaterThan(480);
  });
});

describe("ends at once", () => {
  test("yes | head -1, for SIGPIPE is at its default", async () => {
    const result = await agent.client.run("yes | head -1");
    expect(result.stdout.toString()).toBe("y\n");
    expect(result.stderr.toString()).toBe("");
    expect(result.object.exit_code).toBe(0);
  });

  test("cat, for standard input is /dev/null", async () => {
    const result = await agent.client.run("cat; readlink /proc/self/fd/0");
    expect(result.stdout.toString()).toBe("/dev/null\n");
  });
});

describe("cmd", () => {
  test.each(['{"op": "run"}', '{"op": "run", "cmd": ""}', '{"op": "run", "cmd": null}'])("%s lacks it", async (text) => {
    expect((await agent.client.ask(text)).object).toEqual({ ok: false, op: "error", error: "missing 'cmd'" });
  });

  test("is one argument of the shell, however long", async () => {
    const word = "x".repeat(100_000);
    expect((await agent.client.run(`echo ${word}`)).stdout.toString()).toBe(`${word}\n`);
  });

  test("too long for the kernel could not start", async () => {
    const { object } = await agent.client.run(`: ${"x".repeat(3_000_000)}`);
    expect(object).toEqual({ ok: false, op: "error", error: expect.stringMatching(/^spawn failed: \[Errno 7\] Argument list too long/) });
  });

  test("keeps every character", async () => {
    const text = "é € 😀 \\ \" $HOME `x` %s";
    const result = await agent.client.run("printf %s \"$(cat <<'END'\n" + text + "\nEND\n)\"");
    expect(result.stdout.toString()).toBe(text);
  });

  test("turns a lone surrogate into U+FFFD", async () => {
    const result = await runResult(await agent.client.open('{"op": "run", "shell": "raw", "cmd": "printf %s \'a\\ud800b\'"}'));
    expect(result.stdout.toString()).toBe("a\ufffdb");
  });

  const wrong: [string, Json][] = [["a number", 5], ["a list", ["true"]], ["an object", { a: 1 }], ["true", true], ["a NUL in it", "echo a\0b"]];
  test.each(wrong)("that is %s fails with a reply, and the agent goes on", async (_, cmd) => {
    const { object } = await agent.client.ask({ op: "run", cmd });
    expect(object.ok).toBe(false);
    expect(object.error).toEqual(expect.stringMatching(/^agent error: ./));
    await agent.client.ping();
  });
});

test("nothing is left behind", () => agent.settled());
