// Input; envd-rpc.md 3.11, 6.5.

import { expect } from "bun:test";
import { hangLimit } from "../agent.ts";
import { envelope } from "../connect/envelope.ts";
import { noise, sha256 } from "../scratch.ts";
import { until } from "../until.ts";
import { Cases, cat, failure, running } from "./cases.ts";
import type { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";
import { encodeInput } from "./input-stream.ts";

const cases = new Cases();

async function finish(client: Client, stream: EventStream): Promise<string> {
  await client.closeStdin({ pid: stream.pid });
  return (await stream.outcome()).stdout.toString("latin1");
}

cases.both("I01: text, bytes and nothing", async (client) => {
  const stream = await cat(client);
  for (const data of ["text é", Buffer.from([0, 255, 128]), ""]) await client.stdin({ pid: stream.pid }, data);
  expect(Buffer.from(await finish(client, stream), "latin1").equals(Buffer.concat([Buffer.from("text é"), Buffer.from([0, 255, 128])]))).toBe(true);
});

cases.both("I02: 10 MiB go through in order", async (client) => {
  const stream = await cat(client);
  const data = noise(10 << 20);
  const [output] = await Promise.all([
    stream.outcome(),
    client.stdin({ pid: stream.pid }, data).then(() => client.closeStdin({ pid: stream.pid })),
  ]);
  expect(sha256(output.stdout)).toBe(sha256(data));
});

cases.both("I03, I04: input that is not read waits and holds up nothing else, until the process is killed", async (client) => {
  const stream = await running(client, { process: { cmd: "/bin/sleep", args: ["100"] } });
  let isWaiting = true;
  const waiting = failure(client.stdin({ pid: stream.pid }, Buffer.alloc(1 << 20)).finally(() => (isWaiting = false)));
  await until("the input waits", 20, () => pipeIsFull(stream.pid));
  const other = await cat(client);
  await client.list();
  await client.stdin({ pid: other.pid }, "x");
  expect((await client.run("echo y")).stdout.toString()).toBe("y\n");
  expect(isWaiting).toBe(true);
  await client.kill({ pid: stream.pid });
  const error = await waiting;
  expect([error.code, error.status]).toEqual(["internal", 500]);
  expect(error.message).toStartWith("error writing to stdin: ");
  expect((await stream.outcome()).end?.status).toBe("signal: killed");
  expect(await finish(client, other)).toBe("x");
});

cases.both("I03: what waits for a process that does not read has a bound", async (client) => {
  const stream = await client.start({ cmd: "/bin/sleep", args: ["1000"] });
  const pid = await stream.started();
  // All of them wait but those that are one too many.
  const calls = Array.from({ length: 6 }, () => failure(client.stdin({ pid }, Buffer.alloc(16 * 1024 * 1024))));
  const { code, message } = await Promise.race(calls);
  expect([code, message]).toEqual(["internal", "error writing to stdin: too much waits to be written"]);
  await client.kill({ pid });
  // The last ones may not even have come.
  for (const call of calls) expect(["internal", "not_found"]).toContain((await call).code);
});

cases.both("I05: input of another kind than the process has", async (client) => {
  const terminal = await cat(client, { pty: {} });
  const pipes = await cat(client);
  const none = await running(client, { process: { cmd: "/bin/sleep", args: ["100"] }, stdin: false });
  const texts: string[] = [];
  for (const [stream, input] of [[terminal, "stdin"], [none, "stdin"], [pipes, "pty"]] as const) {
    const error = await failure(client.input({ pid: stream.pid }, { [input]: Buffer.from("x") }));
    expect(error.code).toBe("failed_precondition");
    texts.push(error.message);
  }
  expect(texts).toEqual(["stdin not enabled or closed", "stdin not enabled or closed", "pty not assigned to process"]);
  for (const { pid } of [terminal, pipes, none]) await client.kill({ pid });
});

cases.both("I06: a request without input, or without a process", async (client) => {
  const stream = await cat(client);
  const process = { pid: stream.pid };
  for (const request of [{ process }, { process, input: {} }, { input: { stdin: Buffer.from("x") } }]) {
    expect((await failure(client.unary("SendInput", request))).code).toBe("invalid_argument");
  }
  expect(await finish(client, stream)).toBe("");
});

cases.both("I07: a process that has closed its input", async (client) => {
  const stream = await running(client, { process: { cmd: "/bin/sh", args: ["-c", "exec <&-; echo closed; sleep 100"] } });
  await stream.until("closed\n");
  const error = await failure(client.stdin({ pid: stream.pid }, "x"));
  expect([error.code, error.message]).toEqual(["internal", "error writing to stdin: Broken pipe"]);
  await client.kill({ pid: stream.pid });
  expect((await client.run("true")).end?.exitCode).toBe(0);
});

cases.both("I08: closing twice, and closing what is not there", async (client) => {
  const stream = await cat(client);
  await client.closeStdin({ pid: stream.pid });
  const none = await running(client, { process: { cmd: "/bin/sleep", args: ["100"] }, stdin: false });
  for (let i = 0; i < 2; i++) await client.closeStdin({ pid: none.pid });
  expect((await stream.outcome()).end?.exitCode).toBe(0);
  const sleeping = await running(client, { process: { cmd: "/bin/sleep", args: ["100"] } });
  for (let i = 0; i < 3; i++) await client.closeStdin({ pid: sleeping.pid });
  expect((await failure(client.stdin({ pid: sleeping.pid }, "x"))).code).toBe("failed_precondition"); // I11
  for (const { pid } of [none, sleeping]) await client.kill({ pid });
});

cases.both("I09: a terminal's input is not closed", async (client) => {
  const stream = await cat(client, { pty: {} });
  const error = await failure(client.closeStdin({ pid: stream.pid }));
  expect([error.code, error.message]).toEqual(["failed_precondition", "cannot close stdin for PTY process — send Ctrl+D (0x04) instead"]);
  await client.input({ pid: stream.pid }, { pty: Buffer.from("line\n\u0004") });
  const { pty, end } = await stream.outcome();
  expect([pty.toString(), end?.exitCode]).toEqual(["line\r\nline\r\n", 0]);
});

cases.both("I10, I11: closing waits for what was sent before, and nothing comes after it", async (client) => {
  const stream = await counting(client, "i10");
  const { pid } = stream;
  const sent = client.stdin({ pid }, Buffer.alloc(5 << 20));
  // Its bytes are waiting when the pipe is full.
  await until("the input waits", 20, () => pipeIsFull(pid));
  await client.closeStdin({ pid });
  expect((await failure(client.stdin({ pid }, "x"))).code).toBe("failed_precondition");
  await client.run(`touch /srv/i10-${client.codec}`);
  await sent;
  expect((await stream.outcome()).stdout.toString()).toBe("5242880\n");
});

/** Counts its input once a file is there. */
function counting(client: Client, name: string): Promise<EventStream> {
  const script = `until [ -e /srv/${name}-${client.codec} ]; do sleep 0.05; done; wc -c`;
  return running(client, { process: { cmd: "/bin/sh", args: ["-c", script] } });
}

/** Whether nothing more fits into the standard input of a process. */
function pipeIsFull(pid: number): boolean {
  const script = "import fcntl, struct, sys, termios; f = open(sys.argv[1], 'rb'); " +
    "print(struct.unpack('i', fcntl.ioctl(f, termios.FIONREAD, b'0000'))[0])";
  return Bun.spawnSync(["python3", "-c", script, `/proc/${pid}/fd/0`]).stdout.toString() === "65536\n";
}

cases.both("I12, I15, I19: a stream of input, in order, as it comes", async (client) => {
  const stream = await cat(client);
  const input = await client.streamInput();
  input.send({ start: { process: { pid: stream.pid } } });
  input.send({ data: { input: { stdin: Buffer.from("first\n") } } });
  await stream.until("first\n"); // before the request has ended
  for (let i = 0; i < 1000; i++) {
    input.send({ data: { input: { stdin: Buffer.from(`${i}\n`) } } });
    if (i % 100 === 0) input.send({ keepalive: {} });
    if (i % 100 === 50) input.send({});
  }
  input.end();
  await input.answer();
  await client.stdin({ pid: stream.pid }, "still open");
  expect(await finish(client, stream)).toBe(`${Array.from({ length: 1000 }, (_, i) => `${i}\n`).join("")}still open`);
});

cases.both("I13, I14: a stream that fails is answered at once", async (client) => {
  const early = await client.streamInput();
  early.send({ data: { input: { stdin: Buffer.from("x") } } });
  const error = await failure(early.answer());
  expect([error.code, error.message]).toEqual(["failed_precondition", "no start event received"]);
  const unknown = await client.streamInput();
  unknown.send({ start: { process: { pid: 999_999 } } });
  expect((await failure(unknown.answer())).code).toBe("not_found");
});

cases.both("I16: a second start is another process's", async (client) => {
  const first = await cat(client);
  const second = await cat(client);
  const input = await client.streamInput();
  for (const [pid, text] of [[first.pid, "one"], [second.pid, "two"]] as const) {
    input.send({ start: { process: { pid } } });
    input.send({ data: { input: { stdin: Buffer.from(text) } } });
  }
  input.end();
  await input.answer();
  expect([await finish(client, first), await finish(client, second)]).toEqual(["one", "two"]);
});

cases.both("I17: a stream of input may pause", async (client) => {
  const stream = await cat(client);
  const input = await client.streamInput();
  input.send({ start: { process: { pid: stream.pid } } });
  await Bun.sleep(5000);
  input.send({ data: { input: { stdin: Buffer.from("late") } } });
  input.end();
  await input.answer();
  expect(await finish(client, stream)).toBe("late");
});

cases.both("I18: what had come whole before the client went is written, the rest is not", async (client) => {
  const stream = await cat(client);
  const input = await client.streamInput();
  input.send({ start: { process: { pid: stream.pid } } });
  const data = (text: string): Buffer => envelope(encodeInput(client.codec, { data: { input: { stdin: Buffer.from(text) } } }));
  input.sendRaw(Buffer.concat([data("one"), data("two"), data("three").subarray(0, 12)]));
  await stream.until("onetwo");
  input.http.close();
  await client.stdin({ pid: stream.pid }, "!");
  expect(await finish(client, stream)).toBe("!");
});

cases.both(
  "I20: messages of two streams stay whole",
  async (client) => {
    const stream = await cat(client);
    const [size, count] = [65_536, 40];
    const send = async (byte: number): Promise<void> => {
      const input = await client.streamInput();
      input.send({ start: { process: { pid: stream.pid } } });
      for (let i = 0; i < count; i++) input.send({ data: { input: { stdin: Buffer.alloc(size, byte) } } });
      input.end();
      await input.answer();
    };
    const output = stream.outcome();
    await Promise.all([send(65), send(66)]);
    await client.closeStdin({ pid: stream.pid });
    const { stdout } = await output;
    expect(stdout.length).toBe(2 * size * count);
    for (let at = 0; at < stdout.length; at += size) {
      const message = stdout.subarray(at, at + size);
      expect(message.equals(Buffer.alloc(size, message[0]))).toBe(true);
    }
  },
  hangLimit * 2,
);

cases.both("P33: input that is not read in time; one that was not begun is not written", async (client) => {
  const stream = await counting(client, "p33");
  const { pid } = stream;
  const begun = failure(client.stdin({ pid }, Buffer.alloc(1 << 20), { timeout: 3000 }));
  await until("the input waits", 20, () => pipeIsFull(pid));
  const queued = failure(client.stdin({ pid }, Buffer.alloc(1 << 20), { timeout: 200 }));
  for (const { code, status } of await Promise.all([begun, queued])) expect([code, status]).toEqual(["deadline_exceeded", 504]);
  await client.closeStdin({ pid });
  await client.run(`touch /srv/p33-${client.codec}`);
  expect((await stream.outcome()).stdout.toString()).toBe(`${1 << 20}\n`);
});
