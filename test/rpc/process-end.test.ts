// How processes end, and what is told of it; envd-rpc.md 3.9, 6.4.

import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { host, scale } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Cases, failure, untilGone } from "./cases.ts";
import type { Client } from "./client.ts";
import type { Outcome } from "./event-stream.ts";

const cases = new Cases();

cases.both("S01: output, then the end with 0", async (client) => {
  const { stdout, stderr, end } = await client.run("echo hi");
  expect([stdout.toString(), stderr.length]).toEqual(["hi\n", 0]);
  expect(end).toEqual({ exitCode: 0, exited: true, status: "exit status 0", error: undefined });
});

cases.both("S02: an exit code, which is the error too", async (client) => {
  expect((await client.run("exit 3")).end).toEqual({ exitCode: 3, exited: true, status: "exit status 3", error: "exit status 3" });
  expect((await client.run("exit 255")).end?.exitCode).toBe(255);
});

cases.both("S03: death by a signal", async (client) => {
  const { end } = await client.run("kill -9 $$");
  expect(end).toEqual({ exitCode: -1, exited: false, status: "signal: killed", error: "signal: killed" });
});

cases.both("S04: the signals have names", async (client) => {
  const names = {
    1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 5: "trace/breakpoint trap", 6: "aborted", 7: "bus error",
    8: "floating point exception", 10: "user defined signal 1", 11: "segmentation fault", 12: "user defined signal 2",
    13: "broken pipe", 14: "alarm clock", 15: "terminated", 16: "stack fault", 24: "CPU time limit exceeded",
    25: "file size limit exceeded", 26: "virtual timer expired", 27: "profiling timer expired", 29: "I/O possible",
    30: "power failure", 31: "bad system call",
    // The emulator moves real-time signals: it keeps two for itself.
    ...(host.name === "aarch64" ? {} : { 40: "signal 40" }),
  };
  for (const [signal, name] of Object.entries(names)) {
    const { end } = await client.run(`ulimit -c 0; kill -${signal} $$`);
    expect(end?.status.replace(" (core dumped)", "")).toBe(`signal: ${name}`);
    expect(end?.error).toBe(end?.status);
  }
});

async function expectWhole(run: Promise<Outcome>, output: string): Promise<void> {
  const { pid, stdout, end } = await run;
  expect(pid).toBeGreaterThan(1);
  expect(stdout.toString()).toBe(output);
  expect(end?.exitCode).toBe(0);
}

cases.both("S05: short commands in a row and at once have a start and an end", async (client) => {
  for (let i = 0; i < 500; i++) await expectWhole(client.run("true"), "");
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 50 }, () => expectWhole(client.run("true"), "")));
  }
});

cases.both("S06: the one byte of a short command is never lost", async (client) => {
  for (let i = 0; i < 500; i++) await expectWhole(client.run("printf x"), "x");
});

/** As many as MOTE_RUNS says, half of them in each codec. */
const runs = Number(process.env.MOTE_RUNS ?? scale.runs / 5);
/** At a time: some are always just starting, some just ending. */
const AT_ONCE = 8;

cases.both(
  `${runs / 2} very short processes: one start first, all output before one end, nothing behind it`,
  async (client) => {
    const command = { cmd: "/bin/echo", args: ["x"], stdin: false };
    let left = runs / 2;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const stream = await client.start(command);
        const kinds: string[] = [];
        for (let kind = ""; kind !== "over"; kinds.push(kind)) kind = (await stream.next()).kind;
        expect(kinds).toEqual(["start", "stdout", "end", "over"]);
        stream.close();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  },
  hangLimit + runs * 20,
);

cases.both("S07: what is not there ends with 127, what cannot be executed with 126, and both say so", async (client) => {
  for (const [cmd, code] of [["/no/such", 127], ["/etc/passwd", 126], ["/etc", 126]] as const) {
    const { stderr, stdout, end } = await (await client.start({ cmd })).outcome();
    expect(end?.exitCode).toBe(code);
    expect(stderr.toString()).toContain(cmd);
    expect(stdout.length).toBe(0);
  }
});

cases.both("S30: a grandchild that holds an output keeps the process", async (client) => {
  const stream = await client.sh("sleep 1000 & echo $!");
  const pid = await stream.started();
  const event = await stream.next();
  const holder = "data" in event ? Number(event.data.toString()) : 0;
  // Not even a zombie is left.
  await until("the leader is reaped", 20, () => proc.state(pid) === "");
  let isNext = false;
  const next = stream.next().finally(() => (isNext = true));
  expect(await client.pids()).toContain(pid);
  expect(isNext).toBe(false);
  process.kill(holder, "SIGKILL");
  expect((await next).kind).toBe("end");
});

cases.both("S31: a grandchild that holds none does not", async (client) => {
  const { stdout, end } = await client.run("nohup sleep 1000 >/dev/null 2>&1 & echo $!");
  expect(end?.exitCode).toBe(0);
  const child = Number(stdout.toString());
  expect(proc.isAlive(child)).toBe(true);
  process.kill(child, "SIGKILL");
});

cases.both("S32: a signal to a leader that has exited ends the stream and reaches nobody", async (client) => {
  const stream = await client.sh("sleep 60 & echo $!");
  const pid = await stream.started();
  const event = await stream.next();
  const grandchild = "data" in event ? Number(event.data.toString()) : 0;
  await until("the leader is reaped", 20, () => proc.state(pid) === "");
  await client.kill({ pid });
  const { end } = await stream.outcome();
  expect(end?.status).toBe("exit status 0");
  expect(proc.isAlive(grandchild)).toBe(true);
  expect((await failure(client.kill({ pid }))).code).toBe("not_found");
  process.kill(grandchild, "SIGKILL");
});

cases.both("S33: SIGKILL ends every stream, although a grandchild holds the outputs", async (client) => {
  const stream = await client.start({ cmd: "/bin/bash", args: ["-c", "sleep 1000 && echo done"], stdin: false });
  const pid = await stream.started();
  const other = await client.connect({ pid });
  await other.started();
  await until("its command runs", 20, () => proc.children(pid).some((child) => proc.commandLine(child)[0] === "sleep"));
  const [holder = 0] = proc.children(pid);
  await client.kill({ pid });
  const outcomes = await Promise.all([stream.outcome(), other.outcome()]);
  expect(await client.list()).toEqual([]);
  for (const { end } of outcomes) expect(end?.status).toBe("signal: killed");
  // Who was not waited for.
  expect(proc.isAlive(holder)).toBe(true);
  process.kill(holder, "SIGKILL");
});

cases.both("S34: after the end nothing is left of it", async (client) => {
  const stream = await client.sh("sleep 100");
  const pid = await stream.started();
  await client.signal({ pid }, 15);
  expect((await stream.outcome()).end?.status).toBe("signal: terminated");
  expect(await client.pids()).not.toContain(pid);
  const [code, error] = await Promise.all([client.run(`kill -0 ${pid}`), failure(client.kill({ pid }))]);
  expect(code.end?.exitCode).not.toBe(0);
  expect([error.code, error.message]).toEqual(["not_found", `process with pid ${pid} not found`]);
});

async function expectRunsOn(client: Client, pid: number, file: string): Promise<void> {
  expect(await client.pids()).toContain(pid);
  await until("the command has done its work", 20, () => existsSync(cases.daemon.inside(file)));
  await untilGone(client, pid);
}

cases.both("S35: a process runs on when its client has gone", async (client) => {
  const file = `/srv/s35-${client.codec}`;
  const stream = await client.sh(`sleep 1; touch ${file}`);
  const pid = await stream.started();
  stream.close();
  await expectRunsOn(client, pid, file);
});

cases.both("S36: also when it was reset before it had read anything", async (client) => {
  const file = `/srv/s36-${client.codec}`;
  const stream = await client.sh(`echo $$ >${file}.pid; sleep 1; touch ${file}`);
  await until("the command runs", 20, () => existsSync(cases.daemon.inside(`${file}.pid`)) && cases.daemon.read(`${file}.pid`).length > 1);
  stream.http.reset();
  await expectRunsOn(client, Number(cases.daemon.read(`${file}.pid`).toString()), file);
});
