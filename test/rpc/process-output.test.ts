// Output: whole, in order, and to all who ask for it; envd-rpc.md 3.4, 3.6, 6.4.

import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { head, RawClient } from "../connect/raw.ts";
import { host, scale } from "../host.ts";
import * as proc from "../proc.ts";
import { sha256 } from "../scratch.ts";
import { until } from "../until.ts";
import { Cases, untilGone } from "./cases.ts";
import { followMany } from "./followed.ts";

const cases = new Cases();
const slow = hangLimit * 2;

function digest(text: string): string {
  return text.slice(0, 64);
}

cases.both(
  "S25: a large output comes whole, in order and before the end, in constant memory",
  async (client) => {
    const before = cases.daemon.memory().rss;
    const { stdout, stderr, end } = await client.run(
      `head -c ${scale.file} /dev/urandom >/srv/blob; sha256sum </srv/blob >&2; cat /srv/blob; rm /srv/blob`,
    );
    expect(stdout.length).toBe(scale.file);
    expect(sha256(stdout)).toBe(digest(stderr.toString()));
    expect(end?.exitCode).toBe(0);
    expect(cases.daemon.memory().rss - before).toBeLessThan(scale.growth);
  },
  slow,
);

cases.both("S26: every byte on both outputs is itself", async (client) => {
  const octal = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const { stdout, stderr } = await client.run(`printf '${octal}'; printf '${octal}' >&2`);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  expect([stdout.equals(bytes), stderr.equals(bytes)]).toEqual([true, true]);
});

cases.both("S27: a piece may end within a character", async (client) => {
  const { stdout } = await client.run("head -c 8191 /dev/zero | tr '\\0' a; printf '\\342'; sleep 0.1; printf '\\202\\254'");
  expect(stdout.equals(Buffer.concat([Buffer.alloc(8191, "a"), Buffer.from("€")]))).toBe(true);
});

cases.both("S28: pieces are at most 32,768 bytes of a pipe, 16,384 of a terminal", async (client) => {
  // Its first write fills a pipe before anybody can read.
  const script = "dd if=/dev/zero bs=65536 count=16 status=none";
  const { pieces } = await client.run(`${script}; ${script} >&2`);
  for (const origin of ["stdout", "stderr"]) {
    const lengths = pieces.filter(([kind]) => kind === origin).map(([, length]) => length);
    expect([Math.max(...lengths), lengths.reduce((sum, length) => sum + length)]).toEqual([32_768, 1 << 20]);
  }
  const terminal = await client.run(script, {}, { pty: {} });
  expect(Math.max(...terminal.pieces.map(([, length]) => length))).toBeLessThanOrEqual(16_384);
  expect(terminal.pty.length).toBe(1 << 20);
});

cases.both("S29: output comes when it is written, in pieces of its own", async (client) => {
  // What it writes next waits for what we have read.
  const stream = await client.sh("echo a; read x; echo b", {}, { stdin: true });
  const pid = await stream.started();
  const first = await stream.next();
  await client.stdin({ pid }, "\n");
  const second = await stream.next();
  expect([first, second].map((event) => ("data" in event ? event.data.toString() : event.kind))).toEqual(["a\n", "b\n"]);
  expect((await stream.next()).kind).toBe("end");
});

cases.both("S38: a client that leaves in the middle costs nothing, and the process runs on", async (client) => {
  const daemon = cases.daemon;
  const round = async (): Promise<void> => {
    const stream = await client.start({ cmd: "/usr/bin/yes", stdin: false });
    const pid = await stream.started();
    for (let i = 0; i < 20; i++) await stream.next();
    stream.close();
    await until("the daemon has seen the end", 20, () => daemon.descriptors() <= before + 3);
    expect([proc.isAlive(pid), (await client.pids()).includes(pid)]).toEqual([true, true]);
    await client.kill({ pid });
    await untilGone(client, pid);
  };
  await client.list();
  let before = daemon.descriptors();
  await round();
  before = daemon.descriptors();
  const memory = daemon.memory().rss;
  for (let i = 0; i < 50; i++) await round();
  await until("no descriptor is left over", 20, () => daemon.descriptors() <= before);
  expect(daemon.memory().rss - memory).toBeLessThan(scale.growth / 4);
});

cases.both("S39: Connect begins with a start, and gets what comes from then on", async (client) => {
  const stream = await client.start({ cmd: "/bin/cat" });
  const pid = await stream.started();
  await client.stdin({ pid }, "before");
  await stream.until("before");
  const other = await client.connect({ pid });
  expect(await other.started()).toBe(pid);
  await client.stdin({ pid }, "after");
  await client.closeStdin({ pid });
  const outcomes = await Promise.all([stream.outcome(), other.outcome()]);
  expect(outcomes.map(({ stdout }) => stdout.toString())).toEqual(["after", "after"]);
  expect(outcomes.map(({ end }) => end?.exitCode)).toEqual([0, 0]);
});

cases.both("S40: all who follow a process get all of it from then on", async (client) => {
  const stream = await client.sh("i=1; while [ $i -le 10000 ]; do echo $i; i=$((i+1)); done");
  const pid = await stream.started();
  const followers = await Promise.all([client.connect({ pid }), client.connect({ pid })]);
  const outcomes = await Promise.all([stream, ...followers].map((one) => one.outcome()));
  for (const [index, { stdout, end }] of outcomes.entries()) {
    expect(end?.exitCode).toBe(0);
    const lines = stdout.toString().split("\n").slice(0, -1);
    if (lines.length === 0) continue; // it came too late for all of it
    // The first line may be the rest of one.
    const numbers = lines.map(Number).slice(index === 0 ? 0 : 1);
    const first = numbers[0] ?? 10_001;
    expect(numbers).toEqual(Array.from({ length: 10_001 - first }, (_, at) => first + at));
    if (index === 0) expect(first).toBe(1);
  }
});

/** What was written by `seq`, as far as it has come. */
function expectPrefix(text: string): void {
  const lines = text.split("\n").slice(0, -1);
  expect(lines.every((line, index) => line === String(index + 1))).toBe(true);
}

// Both codecs at once: what is waited for is the clock.
cases.once(
  "S41, P37: one who does not read is left behind after a minute with an error, and the others get everything",
  async () => {
    const last = 8_000_000;
    const idle = await RawClient.open(cases.daemon.port);
    const list = async (): Promise<number> => {
      await idle.send(`${head("POST /process.Process/List", { "Content-Type": "application/json", "Content-Length": "2" })}{}`);
      return (await idle.answer()).status;
    };
    expect(await list()).toBe(200);
    const since = performance.now();
    await Promise.all(
      (["json", "proto"] as const).map(async (codec) => {
        const client = cases.client(codec);
        const stream = await client.sh(`read x; exec seq ${last}`, {}, { stdin: true });
        const pid = await stream.started();
        const idle = await client.connect({ pid });
        await idle.started();
        idle.http.socket.pause();
        await client.stdin({ pid }, "go\n");
        const { stdout, end } = await stream.outcome();
        expect(end?.exitCode).toBe(0);
        expect(stdout.length).toBe(62_888_896);
        expect(stdout.toString("latin1", stdout.length - 8)).toBe(`${last}\n`);
        const left = await idle.outcome();
        expect([left.error?.code, left.error?.message, left.end]).toEqual(["aborted", "subscriber too slow", undefined]);
        expectPrefix(left.stdout.toString("latin1"));
      }),
    );
    expect(performance.now() - since).toBeGreaterThan(60_000);
    expect(await list()).toBe(200);
    idle.close();
  },
  slow * 2,
);

cases.once(
  "S42: the only one may be as slow as it likes",
  async () => {
    await Promise.all(
      (["json", "proto"] as const).map(async (codec) => {
        const stream = await cases.client(codec).sh("seq 3000000; exit 7");
        const pid = await stream.started();
        const { socket } = stream.http;
        for (let second = 0; second < 10; second++) {
          socket.pause();
          await Bun.sleep(1000);
          await stream.next();
        }
        expect(proc.isAlive(pid)).toBe(true);
        const { stdout, end } = await stream.outcome();
        expect(end?.exitCode).toBe(7);
        expect(stdout.toString("latin1", stdout.length - 8)).toBe("3000000\n");
      }),
    );
  },
  slow,
);

cases.both("S43: without anybody, output goes nowhere and holds up nobody", async (client) => {
  const file = `/srv/s43-${client.codec}`;
  const stream = await client.sh(`sleep 0.2; head -c ${scale.file * 2} /dev/zero; touch ${file}`);
  const pid = await stream.started();
  stream.close();
  await until("the command has written everything", 60, () => existsSync(cases.daemon.inside(file)));
  await untilGone(client, pid);
});

/** As many as MOTE_PROCESSES says. */
const many = Number(process.env.MOTE_PROCESSES ?? (host.name === "x86_64" ? 100 : 20));

cases.once(
  `${many} processes at once with three subscribers each: all of them get everything`,
  async (client) => {
    await followMany(cases.daemon.port, many);
    expect(await client.list()).toEqual([]);
  },
  slow,
);
