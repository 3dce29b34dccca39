// A kernel older than Linux 5.3 has no pidfd_open: the agent notices by SIGCHLD that a child has ended.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Agent } from "../agent.ts";
import { until } from "../until.ts";

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start({ launcher: [process.execPath, join(import.meta.dir, "../without.ts"), "pidfd"] });
});
afterAll(() => agent.stop());

const run = (cmd: string, more: object = {}) => agent.client.ask({ op: "run", shell: "raw", cmd, ...more });

test.each([0, 1, 127, 255])("exit code %d", async (code) => {
  expect((await run(`exit ${code}`)).object).toEqual({ ok: true, op: "exit", exit_code: code });
});

test("death by a signal", async () => {
  expect((await run("kill -9 $$")).object).toEqual({ ok: true, op: "exit", exit_code: -9 });
});

test("a deadline", async () => {
  expect((await run("sleep 60", { timeout: 0.2 })).object).toEqual({ ok: true, op: "timeout", timeout: 0.2 });
});

test("many that end at once, whose signals the kernel merges", async () => {
  const codes = Array.from({ length: 60 }, (_, i) => i);
  const replies = await Promise.all(codes.map((code) => run(`sleep 0.2; exit ${code}`)));
  expect(replies.map(({ object }) => object.exit_code)).toEqual(codes);
});

test("a host that leaves takes its command with it", async () => {
  const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "sleep 60" });
  await until("the command runs", 5, () => agent.children().length > 0);
  peer.close();
  await until("nothing is left of it", 1, () => agent.leftovers().length === 0 && agent.children().length === 0);
});
