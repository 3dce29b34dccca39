// What a daemon does at its limits, and what is left over after much work; envd-rpc.md 6.4.

import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon } from "../envd/daemon.ts";
import { host, scale } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { failure, untilGone } from "./cases.ts";
import { codecs } from "./call.ts";
import { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";

setDefaultTimeout(hangLimit * 2);

for (const codec of codecs) {
  test(`S63: without descriptors Start fails, and works again when there are some (${codec})`, () =>
    Daemon.with({ setup: "ulimit -Sn 100; ulimit -Hn 100" }, async (daemon) => {
      const client = new Client(daemon.port, codec);
      const streams: EventStream[] = [];
      const error = await failure(
        (async () => {
          for (;;) {
            const stream = await client.start({ cmd: "/bin/cat" });
            await stream.started();
            streams.push(stream);
          }
        })(),
      );
      expect(["internal"]).toContain(error.code);
      expect(error.message).toStartWith("error starting process '/bin/cat': ");
      expect(streams.length).toBeGreaterThan(3);
      for (const { pid } of streams) await client.kill({ pid });
      for (const stream of streams) expect((await stream.outcome()).end?.status).toBe("signal: killed");
      expect((await client.run("echo again")).stdout.toString()).toBe("again\n");
    }));

  test(`S64: 1,000 processes in a row leave nothing (${codec})`, () =>
    Daemon.with({}, async (daemon) => {
      const client = new Client(daemon.port, codec);
      for (let i = 0; i < 100; i++) await client.run("echo x");
      await until("the connections are gone", 20, () => proc.children(daemon.pid).length === 0);
      const [descriptors, memory] = [daemon.descriptors(), daemon.memory().rss];
      for (let i = 0; i < 1000; i++) expect((await client.run("echo x")).end?.exitCode).toBe(0);
      expect(proc.children(daemon.pid)).toEqual([]);
      await until("no descriptor is left over", 20, () => daemon.descriptors() <= descriptors);
      expect(daemon.memory().rss - memory).toBeLessThan(host.name === "x86_64" ? 400_000 : scale.growth);
    }));
}

test("S36: nothing is kept up for clients that were reset before their stream had begun", () =>
  Daemon.with({}, async (daemon) => {
    const client = new Client(daemon.port, "proto");
    for (let i = 0; i < 150; i++) (await client.sh("exit 0", { keepalive: "1" })).http.reset();
    await until("nothing runs", 20, async () => (await client.list()).length === 0);
    const stream = await client.sh("sleep 100", { keepalive: "1" });
    const pid = await stream.started();
    const wakeUps = (): number => Number(proc.statusLine(daemon.pid, "voluntary_ctxt_switches"));
    const before = wakeUps();
    for (let i = 0; i < 3; i++) expect((await stream.next()).kind).toBe("keepalive");
    // One for each second, and what the machine has a program wait for; each that was kept up would have three.
    expect(wakeUps() - before).toBeLessThan(100);
    await client.kill({ pid });
    await stream.outcome();
  }));

test("1,000 processes at once are all listed, and all told of their end", () =>
  Daemon.with({}, async (daemon) => {
    const client = new Client(daemon.port, "proto");
    const count = host.name === "x86_64" ? 1000 : 200;
    const streams: EventStream[] = [];
    for (let i = 0; i < count; i += 50) {
      const some = await Promise.all(Array.from({ length: 50 }, () => client.start({ cmd: "/bin/sleep", args: ["1000"], stdin: false })));
      for (const stream of some) await stream.started();
      streams.push(...some);
    }
    expect(new Set(await client.pids()).size).toBe(count);
    expect((await client.run("true")).end?.exitCode).toBe(0);
    for (const { pid } of streams) await client.kill({ pid });
    for (const stream of streams) {
      expect((await stream.outcome()).end?.status).toBe("signal: killed");
      stream.close();
    }
    await untilGone(client, streams[0]?.pid ?? 0);
    expect(await client.list()).toEqual([]);
  }));
