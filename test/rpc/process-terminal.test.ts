// Processes on terminals; envd-rpc.md 3.5, 6.4.

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Cases, expectRefused, failure } from "./cases.ts";
import type { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";

const cases = new Cases();
const size = { size: { cols: 80, rows: 24 } };

async function onTerminal(client: Client, script: string, options = {}, envs = {}): Promise<string> {
  const { pty, stdout, stderr, end } = await client.run(script, options, { pty: size, envs });
  expect([stdout.length, stderr.length, end?.exitCode]).toEqual([0, 0, 0]);
  return pty.toString();
}

/** An interactive shell that echoes nothing. */
async function shell(client: Client, options = {}): Promise<EventStream> {
  const stream = await client.start({ cmd: "/bin/bash", args: ["--norc", "-i"], pty: size, envs: { PS1: "", TERM: "dumb" } }, options);
  const pid = await stream.started();
  await type(client, pid, "stty -echo; echo re''ady\n");
  await stream.until("ready\r\n");
  return stream;
}

function type(client: Client, pid: number, text: string): Promise<void> {
  return client.input({ pid }, { pty: Buffer.from(text) });
}

cases.both("S56: a terminal of the size that was asked for", async (client) => {
  const lines = (await onTerminal(client, "tty; stty size; echo $TERM")).split("\r\n");
  expect(lines[0]).toMatch(/^\/dev\/pts\/\d+$/);
  expect(lines.slice(1)).toEqual(["24 80", "xterm-256color", ""]);
  expect(await onTerminal(client, "echo $TERM", {}, { TERM: "vt100" })).toBe("vt100\r\n");
});

/** The process group that has the terminal of a process. */
function foreground(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[5]);
}

cases.both("S57: a session of its own, whose foreground job ^C interrupts", async (client) => {
  const stream = await shell(client);
  await type(client, stream.pid, "ps -o sess=,tty= -p $$\n");
  expect((await stream.until("pts/")).trim()).toMatch(new RegExp(`^${stream.pid} pts/`));
  await type(client, stream.pid, "sleep 100\n");
  // Only when it is `sleep` itself: the shell's child would not take ^C for its own.
  await until("the job has the terminal", 20, () => {
    const [job = 0] = proc.children(stream.pid);
    return proc.commandLine(job)[0] === "sleep" && foreground(stream.pid) === job;
  });
  await type(client, stream.pid, "\u0003");
  await until("the job is interrupted", 20, () => proc.children(stream.pid).length === 0);
  await type(client, stream.pid, "echo st''atus $?\n");
  expect(await stream.until("status 130")).toContain("status 130");
  await type(client, stream.pid, "exit 4\n");
  expect((await stream.outcome()).end?.exitCode).toBe(4);
});

cases.both("S58: a new size, and a signal that tells of it", async (client) => {
  // Not an interactive shell: one that is about to wait for a line does not look for signals before that has come.
  const script = "trap 'echo winch; stty size' WINCH; trap 'stty size; exit 4' TERM; echo trapped; while :; do sleep 0.05; done";
  const stream = await client.sh(script, {}, { pty: size });
  await stream.until("trapped\r\n");
  await client.update({ pid: stream.pid }, { size: { cols: 100, rows: 30 } });
  expect(await stream.until("30 100\r\n")).toContain("winch");
  await client.update({ pid: stream.pid }, {});
  await client.update({ pid: stream.pid });
  expect((await failure(client.update({ pid: stream.pid }, { size: { cols: 65_536, rows: 1 } }))).code).toBe("invalid_argument");
  await client.signal({ pid: stream.pid }, 15);
  const { pty, end } = await stream.outcome();
  expect([pty.toString(), end?.exitCode]).toEqual(["30 100\r\n", 4]);
});

cases.both("S59: a user can open the terminal by its name", async (client) => {
  const text = await onTerminal(client, "echo written >$(tty); stat -c '%u %a' $(tty)", { user: "user" });
  expect(text).toBe("written\r\n1000 620\r\n");
});

cases.both("S60: no size is none, and one that is too large is refused", async (client) => {
  expect((await client.run("tty; stty size", {}, { pty: {} })).pty.toString()).toMatch(/^\/dev\/pts\/\d+\r\n0 0\r\n$/);
  await expectRefused(client.sh("true", {}, { pty: { size: { cols: 70_000, rows: 1 } } }), "invalid_argument");
  await expectRefused(client.sh("true", {}, { pty: { size: { cols: 1, rows: 65_536 } } }), "invalid_argument");
  expect(await client.list()).toEqual([]);
});

cases.both("S61: SIGKILL ends it, although a background job holds the terminal", async (client) => {
  const stream = await client.sh("trap '' HUP; sleep 1000 & echo job $!.; exit 3", {}, { pty: size });
  const pid = await stream.started();
  const job = Number(/job (\d+)/.exec(await stream.until("."))?.[1]);
  await until("the leader is reaped", 20, () => proc.state(pid) === "");
  expect(await client.pids()).toContain(pid);
  await client.kill({ pid });
  expect((await stream.outcome()).end?.exitCode).toBe(3);
  expect(proc.isAlive(job)).toBe(true);
  process.kill(job, "SIGKILL");
});

cases.both("S62: bytes pass through as they are", async (client) => {
  const { pty, pieces } = await client.run("stty raw; printf '\\377\\000'; head -c 100000 /dev/zero", {}, { pty: size });
  expect(pty.equals(Buffer.concat([Buffer.from([0xff, 0]), Buffer.alloc(100_000)]))).toBe(true);
  expect(pieces.every(([kind]) => kind === "pty")).toBe(true);
});
