// Deadlines, keepalives, and what is still told of a process that has ended; envd-rpc.md 3.7, 3.8, 3.10, 3.12, 6.4.

import { expect } from "bun:test";
import { hangLimit } from "../agent.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Cases, expectRefused, failure, untilGone } from "./cases.ts";
import { codecs } from "./call.ts";

const cases = new Cases();

cases.once(
  "S44, S45: the end can be asked for by pid and tag for 30 s, then it is gone",
  async () => {
    await Promise.all(
      codecs.map(async (codec) => {
        const client = cases.client(codec);
        const tag = `kept-${codec}`;
        const { pid } = await client.run("echo out; exit 9", {}, { tag });
        await Bun.sleep(5000);
        for (const target of [{ pid }, { tag }]) {
          const outcome = await (await client.connect(target)).outcome();
          expect([outcome.pid, outcome.stdout.length, outcome.end?.exitCode]).toEqual([pid, 0, 9]);
        }
        expect(await client.pids()).not.toContain(pid);
        await Bun.sleep(30_000);
        await expectRefused(client.connect({ pid }), "not_found", `process with pid ${pid} not found`);
        await expectRefused(client.connect({ tag }), "not_found", `process with tag ${tag} not found`);
      }),
    );
  },
  hangLimit,
);

cases.both("S45: what never was is not found", async (client) => {
  await expectRefused(client.connect({ pid: 999_999 }), "not_found", "process with pid 999999 not found");
  await expectRefused(client.connect({ tag: "nobody's" }), "not_found", "process with tag nobody's not found");
  await expectRefused(client.connect({}), "invalid_argument", "process selector required");
});

cases.both("S46: a tag that was given again means the later process", async (client) => {
  const tag = `again-${client.codec}`;
  await client.run("exit 1", {}, { tag });
  const stream = await client.sh("sleep 100", {}, { tag });
  const pid = await stream.started();
  const other = await client.connect({ tag });
  expect(await other.started()).toBe(pid);
  await client.kill({ tag });
  expect((await other.outcome()).end?.status).toBe("signal: killed");
  expect((await (await client.connect({ tag })).outcome()).end?.status).toBe("signal: killed");
});

cases.both("S46: and no number stands for what has been forgotten", async (client) => {
  const tag = `forgotten-${client.codec}`;
  for (let i = 0; i < 2; i++) await client.run("exit 1", {}, { tag });
  const pid = 0xffffffff;
  await expectRefused(client.connect({ pid }), "not_found", `process with pid ${pid} not found`);
});

cases.once("S47: a number that is given again means the later process, whenever the earlier one's end comes", async (client) => {
  // The leader of the first has exited; somebody else holds its output.
  const first = await client.sh("sleep 300 & echo $!; exit 1", {}, { tag: "first" });
  const pid = await first.started();
  const event = await first.next();
  const holder = "data" in event ? Number(event.data.toString()) : 0;
  await until("the leader is reaped", 20, () => proc.state(pid) === "");
  // The kernel gives the next number unless others take it.
  let second = await client.sh("exec sleep 300");
  while ((await second.started()) !== pid) {
    await client.kill({ pid: second.pid });
    await Bun.write("/proc/sys/kernel/ns_last_pid", String(pid - 1));
    second = await client.sh("exec sleep 300");
  }
  expect((await client.pids()).filter((one) => one === pid)).toHaveLength(2);
  process.kill(holder, "SIGKILL");
  expect((await first.outcome()).end?.exitCode).toBe(1);
  expect(await client.pids()).toContain(pid);
  const follower = await client.connect({ pid });
  await client.kill({ pid });
  expect((await follower.outcome()).end?.status).toBe("signal: killed");
  expect((await (await client.connect({ pid })).outcome()).end?.status).toBe("signal: killed");
  expect((await (await client.connect({ tag: "first" })).outcome()).end?.exitCode).toBe(1);
});

cases.both("S48: of several processes the right one, of two with one tag the later", async (client) => {
  const streams = await Promise.all(["a", "b", "c"].map((tag) => client.start({ cmd: "/bin/cat", tag: `${tag}-${client.codec}` })));
  for (const one of streams) await one.started();
  const later = await client.start({ cmd: "/bin/cat", tag: `a-${client.codec}` });
  await later.started();
  for (const [tag, stream] of [["b", streams[1]], ["c", streams[2]], ["a", later], ["a", streams[0]]] as const) {
    await client.stdin({ tag: `${tag}-${client.codec}` }, `for ${tag}`);
    await client.closeStdin({ tag: `${tag}-${client.codec}` });
    expect((await stream?.outcome())?.stdout.toString()).toBe(`for ${tag}`);
  }
});

cases.both("S49: the time limit of Start is that of the process", async (client) => {
  const start = performance.now();
  const stream = await client.sh("exec sleep 1000", { timeout: 1000 });
  const pid = await stream.started();
  const follower = await client.connect({ pid });
  const [own, other] = await Promise.all([stream.outcome(), follower.outcome()]);
  const elapsed = performance.now() - start;
  expect([own.end, own.error?.code, own.error?.message]).toEqual([undefined, "deadline_exceeded", "context deadline exceeded"]);
  expect([other.end?.status, other.error]).toEqual(["signal: killed", undefined]);
  expect(elapsed).toBeGreaterThan(990);
  expect(proc.isAlive(pid)).toBe(false);
});

cases.both("S50: also when its client has gone", async (client) => {
  const start = performance.now();
  const stream = await client.sh("exec sleep 1000", { timeout: 1000 });
  const pid = await stream.started();
  stream.close();
  await untilGone(client, pid);
  expect(performance.now() - start).toBeGreaterThan(990);
});

cases.both("S51: a process that ends in time is not killed later, nor who comes after it", async (client) => {
  const tag = `timely-${client.codec}`;
  const { end, pid } = await client.run("true", { timeout: 5000 }, { tag });
  expect(end?.exitCode).toBe(0);
  const next = await client.sh("sleep 6; echo alive", {}, { tag });
  expect((await next.outcome()).stdout.toString()).toBe("alive\n");
  expect((await failure(client.kill({ pid }))).code).toBe("not_found");
});

cases.both("S52: a silent process is told to be alive each second, from its start on", async (client) => {
  const start = performance.now();
  const stream = await client.start({ cmd: "/bin/cat" }, { keepalive: "1" });
  const pid = await stream.started();
  for (let count = 0; count < 3; count++) expect((await stream.next()).kind).toBe("keepalive");
  expect(performance.now() - start).toBeGreaterThan(2990);
  await client.closeStdin({ pid });
  expect((await stream.outcome()).end?.exitCode).toBe(0);
});

cases.both("S53: one that writes needs no telling", async (client) => {
  const { keepalives } = await client.run("for i in $(seq 13); do echo $i; sleep 0.5; done", { keepalive: "5" });
  expect(keepalives).toBe(0);
});

cases.both("S54: an interval that is none is 90 s", async (client) => {
  for (const keepalive of ["0", "-1", "x", "", "1.5", "99999999999999999999"]) {
    const { keepalives, end } = await client.run("sleep 1.2", { keepalive });
    expect([keepalives, end?.exitCode]).toEqual([0, 0]);
  }
});

cases.both("S55: List has what runs in the order of starting, with what was sent", async (client) => {
  const first = await client.start({ cmd: "/bin/cat", args: ["-", "-u"], envs: { A: "1", B: "" }, cwd: "/srv/.", tag: "" });
  await first.started();
  const second = await client.start({ cmd: "cat" });
  await second.started();
  expect(await client.list()).toEqual([
    { pid: first.pid, config: { cmd: "/bin/cat", args: ["-", "-u"], envs: { A: "1", B: "" }, cwd: "/srv/." }, tag: "" },
    { pid: second.pid, config: { cmd: "cat" } },
  ]);
  for (const { pid } of [first, second]) await client.closeStdin({ pid });
  await Promise.all([first.outcome(), second.outcome()]);
});
