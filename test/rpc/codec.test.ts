// What the codecs take and print, where the services show it; envd-rpc.md 1.4, 1.5, 6.1.

import { expect } from "bun:test";
import { type Answer, head, RawClient } from "../connect/raw.ts";
import { code, CP, envelopes, CJ, J, P } from "../connect/answers.ts";
import { envelope } from "../connect/envelope.ts";
import { host } from "../host.ts";
import { random } from "../random.ts";
import { Cases, cat } from "./cases.ts";
import { EventStream } from "./event-stream.ts";
import { HttpStream } from "./http.ts";
import { encode } from "./wire.ts";

const cases = new Cases();

function post(method: string, type: string, body: Uint8Array | string): Promise<Answer> {
  return cases.post(`/${method}`, type, body);
}

/** A unary call of the process service in JSON, as a text. */
function json(method: string, text: string): Promise<Answer> {
  return post(`process.Process/${method}`, J, text);
}

const refused = [400, "invalid_argument"] as const;

cases.once("C03, C04, C05: nothing at all, and white space around", async () => {
  const empty = await post("process.Process/List", P, "");
  expect([empty.status, empty.headers.get("content-type"), empty.body.length]).toEqual([200, P, 0]);
  expect(code(await json("List", ""))).toEqual([...refused]);
  const spaced = await json("List", " \r\n\t{ } \n");
  expect([spaced.status, spaced.body.toString()]).toEqual([200, "{}"]);
});

cases.once("C14: a message in two parts is one", async (client) => {
  const first = await cat(client);
  const second = await cat(client, { tag: "c14" });
  const body = envelope(Buffer.concat([encode("Connect", { process: { pid: first.pid } }), encode("Connect", { process: { tag: "c14" } })]));
  const http = await HttpStream.open(cases.daemon.port, "/process.Process/Connect", { "Content-Type": CP, "Content-Length": `${body.length}` });
  http.send(body);
  expect(await new EventStream(http, "proto").started()).toBe(second.pid);
});

cases.once("C20: a signal by its number and by its name", async (client) => {
  for (const signal of ["9", "\"SIGNAL_SIGKILL\""]) {
    const stream = await cat(client);
    expect((await json("SendSignal", `{"process":{"pid":${stream.pid}},"signal":${signal}}`)).status).toBe(200);
    expect((await stream.outcome()).end?.status).toBe("signal: killed");
  }
});

cases.once("C21: other signals are refused", async (client) => {
  const stream = await cat(client);
  for (const signal of [",\"signal\":2", ",\"signal\":\"SIGNAL_SIGINT\"", ""]) {
    expect(code(await json("SendSignal", `{"process":{"pid":${stream.pid}}${signal}}`))).toEqual([...refused]);
  }
  const unknown = await post("process.Process/SendSignal", P, encode("SendSignal", { process: { pid: stream.pid }, signal: 77 }));
  expect(code(unknown)).toEqual([...refused]);
  await client.stdin({ pid: stream.pid }, "lives");
  await client.closeStdin({ pid: stream.pid });
  expect((await stream.outcome()).stdout.toString()).toBe("lives");
});

cases.once("C22, C24: the ways to write a number, and null beside it", async (client) => {
  const { pid } = await cat(client);
  const digits = String(pid);
  const exponent = `${digits[0]}.${digits.slice(1)}e${digits.length - 1}`;
  for (const text of [`"${pid}"`, `${pid}.0`, exponent, `${pid},"tag":null`]) {
    const answer = await json("Update", `{"process":{"pid":${text}}}`);
    expect([text, answer.status]).toEqual([text, 200]);
  }
});

cases.once("C23: what is no number of a process, and two members at once", async () => {
  for (const text of ["1.5", "-1", "4294967296", "1,\"tag\":\"x\""]) {
    expect([text, ...code(await json("Update", `{"process":{"pid":${text}}}`))]).toEqual([text, ...refused]);
  }
});

cases.once("C25, C26: bytes in either alphabet, padded or not, and what is neither", async (client) => {
  const stream = await cat(client);
  const send = (text: string): Promise<Answer> => json("SendInput", `{"process":{"pid":${stream.pid}},"input":{"stdin":"${text}"}}`);
  for (const text of ["//8=", "__8", "//8"]) expect((await send(text)).status).toBe(200);
  expect(code(await send("!!"))).toEqual([...refused]);
  await client.closeStdin({ pid: stream.pid });
  expect((await stream.outcome()).stdout.toString("hex")).toBe("ff".repeat(6));
});

function start(text: string): Promise<Answer> {
  return post("process.Process/Start", CJ, envelope(text));
}

cases.once("C27: null for a standard input is none given, a text is refused", async () => {
  const command = "\"process\":{\"cmd\":\"/bin/readlink\",\"args\":[\"/proc/self/fd/0\"]}";
  const output = async (text: string): Promise<string> => {
    const [, data] = envelopes((await start(text)).body);
    const { event } = JSON.parse(data?.[1] ?? "{}") as { event: { data: { stdout: string } } };
    return Buffer.from(event.data.stdout, "base64").toString();
  };
  expect(await output(`{${command},"stdin":null}`)).toStartWith("pipe:");
  expect(await output(`{${command},"stdin":false}`)).toBe("/dev/null\n");
  expect((await start(`{${command},"stdin":"true"}`)).body.toString()).toContain("\"code\":\"invalid_argument\"");
});

cases.once("C28: values of another type", async (client) => {
  for (const text of ["\"envs\":{\"A\":1}", "\"envs\":{\"A\":null}", "\"args\":[null]"]) {
    expect((await start(`{"process":{"cmd":"/bin/true",${text}}}`)).body.toString()).toContain("\"code\":\"invalid_argument\"");
  }
  expect(await client.list()).toEqual([]);
});

cases.once("C29: an entry of a map without a value, and one that comes twice", async () => {
  const text = (number: number, value: string): Buffer => Buffer.concat([Buffer.from([number * 8 + 2, value.length]), Buffer.from(value)]);
  const field = (number: number, ...parts: Buffer[]): Buffer => {
    const bytes = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  };
  const command = field(1, text(1, "/usr/bin/env"), field(3, text(1, "A")), field(3, text(1, "B"), text(2, "1")), field(3, text(1, "B"), text(2, "2")));
  const output = (await post("process.Process/Start", CP, envelope(command))).body.toString();
  expect(output).toContain("\nA=\nB=2\n");
  expect(output).not.toContain("B=1");
});

cases.once("C30: exit codes, to the byte", async () => {
  const ends = {
    "exit 0": ["1a1110011a0d65786974207374617475732030", undefined],
    "exit 3": ["1a22080610011a0d65786974207374617475732033220d65786974207374617475732033", 3],
    "kill -9 $$": ["1a2208011a0e7369676e616c3a206b696c6c6564220e7369676e616c3a206b696c6c6564", -1],
  };
  for (const [script, [bytes, exitCode]] of Object.entries(ends)) {
    const process = { cmd: "/bin/sh", args: ["-c", script] };
    const binary = (await post("process.Process/Start", CP, envelope(encode("Start", { process, stdin: false })))).body.toString("hex");
    expect(binary).toContain(`${bytes}02000000027b7d`);
    const [, end] = envelopes((await start(JSON.stringify({ process, stdin: false }))).body);
    const { event } = JSON.parse(end?.[1] ?? "{}") as { event: { end: { exitCode?: number } } };
    expect(event.end.exitCode).toBe(exitCode as number);
  }
});

function mutated(below: (bound: number) => number, source: Buffer): Buffer {
  if (below(4) === 0) return Buffer.from(Array.from({ length: below(60) }, () => below(256)));
  const bytes = Buffer.from(source);
  for (let round = below(4); round >= 0; round--) bytes[below(bytes.length)] = below(2) === 0 ? below(256) : 0x20 + below(0x5f);
  return below(3) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
}

const bodies = host.name === "aarch64" ? 2000 : 10_000;

cases.once("C32: messages of very many fields, which would take many times their length", async (client) => {
  for (const unit of ["0a00", "5000", "0b0c", "0a020801"]) {
    for (const method of ["filesystem.Filesystem/Stat", "process.Process/SendSignal"]) {
      expect(code(await post(method, P, Buffer.alloc(4 * 1024 * 1024, unit, "hex")))).toEqual([...refused]);
    }
  }
  // As many as a process can be started with are not too many.
  const outcome = await (await client.start({ cmd: "/bin/sh", args: ["-c", "echo $#", ...Array.from({ length: 150_000 }, () => "")], stdin: false })).outcome();
  expect(outcome.stdout.toString()).toBe("149999\n");
});

cases.both(`C33: ${bodies} random and mutated bodies`, async (client) => {
  const below = random(client.codec === "json" ? 33 : 34);
  const raw = await RawClient.open(cases.daemon.port);
  const message = { path: "/tmp", depth: 1 };
  const source = client.codec === "json" ? Buffer.from(JSON.stringify({ ...message, nope: [1, { a: "\u00e9\\u0041" }, -1.5e3, null, true] })) : encode("ListDir", message);
  const codes = new Set<string>();
  for (let count = 0; count < bodies; count++) {
    const body = mutated(below, source);
    // Where a body is a message after all, its path may be nobody's.
    await raw.send(Buffer.concat([Buffer.from(head("POST /filesystem.Filesystem/Stat", { "Content-Type": `application/${client.codec}`, "Content-Length": `${body.length}` })), body]));
    const answer = await raw.answer();
    codes.add(answer.status === 200 ? "ok" : (JSON.parse(answer.body.toString()) as { code: string }).code);
  }
  raw.close();
  for (const one of codes) expect(["ok", "invalid_argument", "not_found"]).toContain(one);
  expect(codes.size).toBeGreaterThan(1);
  expect((await client.run("echo alive")).stdout.toString()).toBe("alive\n");
});
