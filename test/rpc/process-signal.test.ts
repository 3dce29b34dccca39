// Signals to processes, and Update; envd-rpc.md 3.11, 6.5.

import { expect } from "bun:test";
import * as proc from "../proc.ts";
import { Cases, cat, failure, running } from "./cases.ts";

const cases = new Cases();

cases.both("I21: SIGTERM to one that handles it", async (client) => {
  const stream = await running(client, { process: { cmd: "/bin/sh", args: ["-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"] } });
  await stream.until("ready\n");
  await client.signal({ pid: stream.pid }, 15);
  expect((await stream.outcome()).end).toMatchObject({ exitCode: 7, exited: true });
});

cases.both("I22: one that ignores SIGTERM ends when its leader does, whoever holds its outputs", async (client) => {
  const script = "trap '' TERM; sleep 60 & echo $!.; while [ ! -e $FILE ]; do sleep 0.05; done; exit 5";
  const file = `/srv/i22-${client.codec}`;
  const stream = await running(client, { process: { cmd: "/bin/sh", args: ["-c", script], envs: { FILE: file } } });
  const holder = parseInt(await stream.until("."), 10);
  await client.signal({ pid: stream.pid }, 15);
  await client.run(`touch ${file}`);
  // It would have been killed, not exited.
  expect((await stream.outcome()).end?.exitCode).toBe(5);
  process.kill(holder, "SIGKILL");
});

cases.both("I23: SIGKILL reaches the leader alone", async (client) => {
  const stream = await running(client, { process: { cmd: "/bin/sh", args: ["-c", "sleep 60 & echo $!.; wait"] } });
  const child = parseInt(await stream.until("."), 10);
  await client.kill({ pid: stream.pid });
  await stream.outcome();
  expect(proc.isAlive(child)).toBe(true);
  process.kill(child, "SIGKILL");
});

cases.both("I24: a second signal finds it or does not", async (client) => {
  for (let i = 0; i < 50; i++) {
    const stream = await cat(client);
    const codes = await Promise.all(
      Array.from({ length: 3 }, () => client.kill({ pid: stream.pid }).then(() => "ok", (error: { code: string }) => error.code)),
    );
    expect(codes.every((code) => code === "ok" || code === "not_found")).toBe(true);
    expect((await stream.outcome()).end?.status).toBe("signal: killed");
  }
});

cases.both("I25: by tag", async (client) => {
  const tag = `i25-${client.codec}`;
  const stream = await cat(client, { tag });
  await client.stdin({ tag }, "x");
  await client.closeStdin({ tag });
  expect((await stream.outcome()).stdout.toString()).toBe("x");
  const terminal = await cat(client, { tag, pty: {} });
  await client.update({ tag }, { size: { cols: 7, rows: 8 } });
  await client.signal({ tag }, 15);
  expect((await terminal.outcome()).end?.status).toBe("signal: terminated");
  expect((await failure(client.kill({ tag }))).message).toBe(`process with tag ${tag} not found`);
});

cases.both("I26: Update of what is no terminal, and without a size", async (client) => {
  const pipes = await cat(client);
  const error = await failure(client.update({ pid: pipes.pid }, { size: { cols: 1, rows: 1 } }));
  expect([error.code, error.message]).toEqual(["failed_precondition", "tty not assigned to process"]);
  await client.update({ pid: pipes.pid });
  await client.update({ pid: pipes.pid }, {});
  await client.kill({ pid: pipes.pid });
});
