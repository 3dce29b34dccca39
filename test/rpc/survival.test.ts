// Processes outlive the worker that has started them; lifecycle.md 1.13, L083, L084.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon } from "../envd/daemon.ts";
import { host } from "../host.ts";
import { inside, Namespace } from "../namespace.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { failure, untilGone } from "./cases.ts";
import { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";
import type { Address } from "./http.ts";

setDefaultTimeout(hangLimit);

/** Kills the worker of a supervisor, and awaits that another one serves. */
async function killWorker(supervisor: number, client: Client): Promise<void> {
  const old = proc.workerOf(supervisor);
  if (old === undefined) throw new Error("no worker");
  process.kill(old, "SIGKILL");
  await until("another worker is there", 20, () => ![undefined, old].includes(proc.workerOf(supervisor)));
  // Whoever connects now waits for it.
  await client.list();
}

async function survive(supervisor: number, address: Address, hasStatuses: boolean): Promise<void> {
  const client = new Client(address, "json");
  const status = (code: number): string => (hasStatuses ? `exit status ${code}` : "error");
  const streams: EventStream[] = [];
  for (let i = 0; i < 20; i++) {
    const script = `read line; echo "$line from ${i}"; exit ${i}`;
    const stream = await client.sh(script, {}, { tag: `tag-${i}`, stdin: true, ...(i % 5 === 4 ? { pty: {} } : {}) });
    await stream.started();
    streams.push(stream);
  }
  // Longer than a message between supervisor and worker.
  const long = await client.sh(`: ${"x".repeat(100_000)}; cat; exit 21`, {}, { stdin: true, envs: { A: "b" }, cwd: "/" });
  await long.started();
  const ended = await client.sh("exec sleep 1000");
  await ended.started();
  const closed = await client.sh("cat >/dev/null; sleep 1000", {}, { stdin: true });
  await closed.started();
  await client.closeStdin({ pid: closed.pid });
  const before = await client.list();
  await killWorker(supervisor, client);
  await killWorker(supervisor, client);
  expect(await client.list()).toEqual(before);
  for (const [i, { pid }] of streams.entries()) {
    const target = { tag: `tag-${i}` };
    const followers = [await client.connect({ pid }), await client.connect(target)];
    for (const one of followers) expect(await one.started()).toBe(pid);
    await client.input(i % 2 === 0 ? { pid } : target, { [i % 5 === 4 ? "pty" : "stdin"]: Buffer.from("hello\n") });
    const [first, second] = await Promise.all(followers.map((one) => one.outcome()));
    expect(second).toEqual(first);
    const output = i % 5 === 4 ? first?.pty : first?.stdout;
    expect(output?.toString()).toBe(i % 5 === 4 ? `hello\r\nhello from ${i}\r\n` : `hello from ${i}\n`);
    expect(first?.end?.status).toBe(status(i));
    expect((await (await client.connect({ pid })).outcome()).end?.status).toBe(status(i));
  }
  const other = await client.connect({ pid: long.pid });
  await other.started();
  await client.stdin({ pid: long.pid }, "through");
  await client.closeStdin({ pid: long.pid });
  const { stdout, end } = await other.outcome();
  expect([stdout.toString(), end?.status]).toEqual(["through", status(21)]);
  for (const stream of [ended, closed]) {
    const follower = await client.connect({ pid: stream.pid });
    await follower.started();
    await client.kill({ pid: stream.pid });
    expect((await follower.outcome()).end?.status).toBe(hasStatuses ? "signal: killed" : "error");
    expect((await failure(client.kill({ pid: stream.pid }))).code).toBe("not_found");
  }
  expect(await client.list()).toEqual([]);
  expect((await client.run("exit 3")).end?.status).toBe("exit status 3");
}

describe("L083, L084: processes outlive their worker", () => {
  test("beside another init: running on, with their outputs; how they end is not known", () =>
    Daemon.with({ isSupervised: true }, async (daemon) => {
      // A worker that answers has come to stay, with what its supervisor holds for it.
      await new Client(daemon.port, "json").list();
      const before = daemon.descriptors();
      await survive(daemon.pid, daemon.port, false);
      await until("the supervisor keeps nothing any more", 20, () => daemon.descriptors() <= before);
    }));

  test("as PID 1: with their exit codes", () =>
    Namespace.with({ args: ["--listen", `envd+unix:${inside}/envd.sock`] }, async (namespace) => {
      await survive(namespace.pid, namespace.path("envd.sock"), true);
    }));

  test("a process that ends while there is no worker is told of by the next", () =>
    Namespace.with({ args: ["--listen", `envd+unix:${inside}/envd.sock`] }, async (namespace) => {
      const client = new Client(namespace.path("envd.sock"), "proto");
      // It kills the worker and ends before there is another one.
      const stream = await client.sh("sleep 0.5; kill -9 $PPID; echo last; exit 9", {}, { tag: "last" });
      await stream.started();
      await until("the end can be asked for", 20, async () => {
        const other = await client.connect({ tag: "last" });
        const outcome = await other.outcome().catch((error: { code?: string }) => error);
        return "end" in outcome && outcome.end?.status === "exit status 9";
      });
      await untilGone(client, stream.pid);
    }));

  test("a process is found again whose start was the last that its worker told", () =>
    Daemon.with({ isSupervised: true }, async (daemon) => {
      const client = new Client(daemon.port, "json");
      for (let i = 0; i < (host.name === "x86_64" ? 15 : 5); i++) {
        await client.list();
        const tag = `round ${i}`;
        const worker = proc.workerOf(daemon.pid) ?? 0;
        const stream = await client.start({ cmd: "/bin/cat", tag });
        await stream.started();
        process.kill(worker, "SIGKILL");
        const other = await client.connect({ tag });
        expect(await other.started()).toBe(stream.pid);
        await client.kill({ tag });
        await other.outcome();
      }
    }));

  // Bun cannot start over, and in an emulator PID 1 may die of the signal.
  if (host.name === "x86_64") test("as PID 1 that has started over: what is kept is said again", () =>
    Namespace.with({ args: ["--listen", `envd+unix:${inside}/envd.sock`] }, async (namespace) => {
      const client = new Client(namespace.path("envd.sock"), "json");
      const stream = await client.start({ cmd: "/bin/cat", tag: "cat" });
      await stream.started();
      namespace.kill("SIGSEGV");
      await until("it has started over", 20, () => namespace.stderr.includes("started over"));
      await killWorker(namespace.pid, client);
      const other = await client.connect({ tag: "cat" });
      await other.started();
      await client.stdin({ tag: "cat" }, "x");
      await client.closeStdin({ tag: "cat" });
      const { stdout, end } = await other.outcome();
      expect([stdout.toString(), end?.status]).toEqual(["x", "exit status 0"]);
    }));
});
