// Messages and envelopes as the daemon takes and sends them: whole, in pieces, too long, compressed, none; envd-rpc.md 2, 6.2.

import { expect } from "bun:test";
import { gzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { CJ, code, CP, endCode, envelopes, J, P } from "../connect/answers.ts";
import { envelope } from "../connect/envelope.ts";
import { type Answer, head, RawClient } from "../connect/raw.ts";
import type { Daemon } from "../envd/daemon.ts";
import { host } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Cases } from "./cases.ts";
import type { Client } from "./client.ts";
import { encodeInput } from "./input-stream.ts";
import { encode } from "./wire.ts";

const cases = new Cases();

const start = JSON.stringify({ process: { cmd: "/bin/touch", args: ["/srv/spawned"] } });

async function expectNothingSpawned(client: Client): Promise<void> {
  expect(await client.list()).toEqual([]);
  expect((await client.run("[ ! -e /srv/spawned ]")).end?.exitCode).toBe(0);
}

cases.both("P12, P13: a stream's one error, and its end", async (client) => {
  const type = client.codec === "json" ? CJ : CP;
  const body = (message: object): Buffer => envelope(client.codec === "json" ? JSON.stringify(message) : encode("Connect", message as never));
  const failed = await cases.post("/process.Process/Connect", type, body({ process: { pid: 999_999 } }));
  expect([failed.headers.get("content-type"), endCode(failed)]).toEqual([type, "not_found"]);
  const { pid } = await client.run("true");
  const ended = await cases.post("/process.Process/Connect", type, body({ process: { pid } }));
  expect(ended.body.subarray(-7).toString("hex")).toBe("02000000027b7d");
  expect(ended.headers.has("content-length")).toBe(false);
});

cases.once("P14: a request in pieces of a byte", async () => {
  const raw = await RawClient.open(cases.daemon.port);
  const body = envelope(JSON.stringify({ process: { cmd: "/bin/echo", args: ["whole"] } }));
  for (const byte of Buffer.concat([Buffer.from(head("POST /process.Process/Start", { "Content-Type": CJ, "Content-Length": `${body.length}` })), body])) {
    await raw.send(Uint8Array.of(byte));
  }
  expect((await raw.answer()).body.toString()).toContain(btoa("whole\n"));
  raw.close();
});

cases.both("P15, P24: a hundred messages in one piece, and what ends them", async (client) => {
  const stream = await client.start({ cmd: "/bin/cat" });
  const pid = await stream.started();
  const input = await client.streamInput();
  const messages = Array.from({ length: 100 }, (_, i) => ({ data: { input: { stdin: Buffer.from(`${i}\n`) } } }));
  const all = [{ start: { process: { pid } } }, ...messages].map((message) => envelope(encodeInput(client.codec, message)));
  input.sendRaw(Buffer.concat([...all, envelope("{}", 2)]));
  input.end();
  await input.answer();
  await client.closeStdin({ pid });
  expect((await stream.outcome()).stdout.toString()).toBe(Array.from({ length: 100 }, (_, i) => `${i}\n`).join(""));
});

cases.once("P16, P17, P18, P22, P23, P32: of what is no request nothing is started", async (client) => {
  const codes: [string, Uint8Array, Record<string, string>?][] = [
    ["unimplemented", new Uint8Array(0)],
    ["unimplemented", Buffer.concat([envelope(start), envelope(start)])],
    ["invalid_argument", Uint8Array.of(0, 0, 0)],
    ["invalid_argument", Uint8Array.of(0, 0, 0, 0, 9, 0x7b)],
    ["internal", envelope(start, 1)],
    ["internal", envelope(start, 0x40)],
    ["deadline_exceeded", envelope(start), { "Connect-Timeout-Ms": "0" }],
    ["unimplemented", envelope(start), { "Connect-Content-Encoding": "snappy" }],
    ["invalid_argument", envelope("{}x")],
  ];
  for (const [name, body, fields] of codes) expect(endCode(await cases.post("/process.Process/Start", CJ, body, fields))).toBe(name);
  await expectNothingSpawned(client);
});

/** The most that has been resident since the last time this was asked; bytes. */
function peak(daemon: Daemon): number {
  const kilobytes = parseInt(proc.statusLine(daemon.pid, "VmHWM"), 10);
  Bun.spawnSync(["sh", "-c", `echo 5 >/proc/${daemon.pid}/clear_refs`]);
  return kilobytes * 1024;
}

cases.once("P19, P20: what is too long or too deep is refused at once, and costs nothing", async (client) => {
  const huge = Buffer.from("\0\xff\xff\xff\xff{", "latin1");
  const deep = "[".repeat(100_000);
  const round = async (): Promise<void> => {
    // Whoever waits for the rest of what was announced would wait for ever.
    for (const path of ["/process.Process/Start", "/process.Process/StreamInput"]) {
      const raw = await RawClient.open(cases.daemon.port);
      await raw.send(Buffer.concat([Buffer.from(head(`POST ${path}`, { "Content-Type": CJ, "Content-Length": "4294967300" })), huge]));
      expect(endCode(await raw.answer())).toBe("resource_exhausted");
      raw.close();
    }
    const raw = await RawClient.open(cases.daemon.port);
    await raw.send(head("POST /process.Process/SendInput", { "Content-Type": P, "Content-Length": `${64 * 1024 * 1024}` }));
    expect(code(await raw.answer())).toEqual([429, "resource_exhausted"]);
    raw.close();
    expect(code(await cases.post("/process.Process/List", J, deep))).toEqual([400, "invalid_argument"]);
    expect(code(await cases.post("/process.Process/List", J, `{"x":${deep}`))).toEqual([400, "invalid_argument"]);
  };
  await round();
  await client.list();
  const before = cases.daemon.memory().rss;
  peak(cases.daemon);
  await round();
  // A body of 100 kB is kept until it is whole.
  if (host.name === "x86_64") expect(peak(cases.daemon) - before).toBeLessThan(512 * 1024);
});

const large = 60 << 20;
/** How much of it is sent: of three of these there is more than there is room, of two whole ones less. */
const part = 45 << 20;
/** The head of a large message. */
const largeHead = (fields: Readonly<Record<string, string>> = {}): string =>
  head("POST /process.Process/SendInput", { "Content-Type": P, "Content-Length": `${large}`, ...fields });

/** A large message that has begun. */
interface Begun {
  readonly raw: RawClient;
  readonly answer: Promise<Answer>;
}

/** Begins a large message, and goes on unless it is refused. */
async function beginLarge(start: string | Uint8Array): Promise<Begun> {
  const raw = await RawClient.open(cases.daemon.port);
  await raw.send(start);
  const answer = raw.answer();
  let isAnswered = false;
  // Those that are not refused are reset later.
  answer.then(() => (isAnswered = true)).catch(() => undefined);
  for (let sent = 0; sent < part && !isAnswered; sent += 1 << 20) await raw.send(Buffer.alloc(1 << 20));
  return { raw, answer };
}

/** Many that begin a large message at once: there is room for two, which are returned. */
async function crowd(start: string | Uint8Array, codeOf: (answer: Answer) => unknown): Promise<Begun[]> {
  const all = await Promise.all(Array.from({ length: 6 }, () => beginLarge(start)));
  const left = new Set(all);
  for (const begun of all) {
    const refused = begun.answer.then((answer) => {
      if (left.size <= 2) return;
      expect(codeOf(answer)).toBe("resource_exhausted");
      begun.raw.close();
      left.delete(begun);
    });
    refused.catch(() => undefined);
  }
  await until("four are refused", 60, () => left.size <= 2);
  return [...left];
}

cases.once("large messages have room together for two, and again when those are gone", async () => {
  const expectRoom = async (): Promise<void> => {
    const answer = await cases.post("/process.Process/SendInput", P, Buffer.alloc(large));
    expect(code(answer)).toEqual([400, "invalid_argument"]);
  };
  // Their clients go.
  for (const { raw } of await crowd(largeHead(), (answer) => code(answer)[1])) raw.reset();
  await until("there is room again", 20, async () => (await expectRoom().catch(() => "no")) === undefined);
  // Their messages come to their end.
  for (const { raw, answer } of await crowd(largeHead(), (answer) => code(answer)[1])) {
    await raw.send(Buffer.alloc(large - part));
    expect(code(await answer)).toEqual([400, "invalid_argument"]);
    raw.close();
  }
  await expectRoom();
  // The same in a stream.
  const stream = Buffer.concat([
    Buffer.from(head("POST /process.Process/StreamInput", { "Content-Type": CP, "Transfer-Encoding": "chunked" })),
    Buffer.from(`${(large + 5).toString(16)}\r\n`), Uint8Array.of(0, large >>> 24, (large >>> 16) & 0xff, (large >>> 8) & 0xff, large & 0xff),
  ]);
  for (const { raw } of await crowd(stream, endCode)) raw.reset();
  await until("there is room again", 20, async () => (await expectRoom().catch(() => "no")) === undefined);
  // Their time is up.
  for (let i = 0; i < 4; i++) {
    const { raw, answer } = await beginLarge(largeHead({ "Connect-Timeout-Ms": "1000" }));
    expect(code(await answer)).toEqual([504, "deadline_exceeded"]);
    raw.close();
  }
  await expectRoom();
}, hangLimit * 2);

cases.both("P21: a message of 4 MiB less a byte", async (client) => {
  const stream = await client.sh("wc -c", {}, { stdin: true });
  const pid = await stream.started();
  const size = (data: Buffer): number => {
    const request = { process: { pid }, input: { stdin: data } };
    return client.codec === "proto" ? encode("SendInput", request).length : JSON.stringify({ process: { pid }, input: { stdin: "" } }).length + 4 * Math.ceil(data.length / 3);
  };
  let data = Buffer.alloc(client.codec === "proto" ? (4 << 20) - 100 : 3 * (1 << 20) - 100);
  while (size(Buffer.concat([data, Buffer.alloc(1)])) < 4 << 20) data = Buffer.concat([data, Buffer.alloc(1)]);
  await client.stdin({ pid }, data);
  await client.closeStdin({ pid });
  expect((await stream.outcome()).stdout.toString()).toBe(`${data.length}\n`);
});

cases.once("P26 to P30: compression", async (client) => {
  const stat = "/filesystem.Filesystem/Stat";
  const body = "{\"path\":\"/\"}";
  const answers: [number, Uint8Array | string, string][] = [[200, gzipSync(body), "gzip"], [200, body, "identity"], [501, body, "snappy"], [400, body, "gzip"]];
  for (const [status, bytes, encoding] of answers) {
    const answer = await cases.post(stat, J, bytes, { "Content-Encoding": encoding, "Accept-Encoding": "gzip, deflate" });
    expect([encoding, answer.status, answer.headers.get("accept-encoding"), answer.headers.has("content-encoding")]).toEqual([encoding, status, "gzip", false]);
    if (status === 400) expect(code(answer)).toEqual([400, "invalid_argument"]);
    if (status === 501) expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "unimplemented", message: expect.stringContaining("gzip") });
  }
  const { pid } = await client.run("exit 4");
  const request = `{"process":{"pid":${pid}}}`;
  for (const [bytes, fields] of [
    [envelope(gzipSync(request), 1), { "Connect-Content-Encoding": "gzip" }],
    [Buffer.concat([envelope(gzipSync(request), 1), envelope("{}", 2)]), { "Connect-Content-Encoding": "gzip" }],
    [envelope(request), { "Connect-Content-Encoding": "identity", "Accept-Encoding": "gzip, deflate" }],
  ] as const) {
    const answer = await cases.post("/process.Process/Connect", CJ, bytes, fields);
    expect([answer.headers.has("content-encoding"), answer.headers.has("connect-content-encoding")]).toEqual([false, false]);
    expect(envelopes(answer.body).map(([flags]) => flags)).toEqual([0, 0, 2]);
  }
  const bomb = gzipSync(Buffer.alloc(80 << 20));
  peak(cases.daemon);
  const before = peak(cases.daemon);
  expect(code(await cases.post(stat, J, bomb, { "Content-Encoding": "gzip" }))).toEqual([429, "resource_exhausted"]);
  // It is decompressed up to the limit.
  if (host.name === "x86_64") expect(peak(cases.daemon) - before).toBeLessThan(160 << 20);
});

cases.once("P25: an envelope with nothing in it is a message", async () => {
  const answer = await cases.post("/process.Process/Connect", CJ, envelope(""));
  expect(endCode(answer)).toBe("invalid_argument");
  expect(answer.body.toString()).toContain("process selector required");
});
