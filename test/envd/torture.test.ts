// What parsers have read in two ways: each request of a corpus is refused, or read in one certain way, however it comes in
// pieces; and what follows a body is never taken from it. `/unfreeze` reads a body and answers 204; in bodies there are
// requests for `/health`, which is 200; behind them comes one for `/nope`, which is 404. A 200 has been smuggled.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

const smuggled = "GET /health HTTP/1.1\r\nHost: mote\r\n\r\n";
const next = "GET /nope HTTP/1.1\r\nHost: mote\r\n\r\n";
const post = "POST /unfreeze HTTP/1.1\r\nHost: mote\r\n";

/** Once a connection that came later has been answered the agent has read what was sent before. */
function settled(): Promise<void> {
  return RawClient.with(daemon.port, async (barrier) => {
    await barrier.send("HEAD /health HTTP/1.1\r\nHost: mote\r\n\r\n");
    await barrier.response("HEAD");
  });
}

/** The statuses of all responses up to the end of the connection; what comes is sent in parts, each read by itself. */
function answers(parts: readonly (string | Uint8Array)[]): Promise<number[]> {
  return RawClient.with(daemon.port, async (client) => {
    for (const [index, part] of parts.entries()) {
      if (index > 0) await settled();
      await client.send(part);
    }
    client.endSending();
    const statuses: number[] = [];
    for (let head = await client.head(); head !== undefined; head = await client.head()) {
      await client.skipBody(head);
      if (head.status !== 100) statuses.push(head.status);
    }
    return statuses;
  });
}

function chunked(data: string, size = data.length.toString(16)): string {
  return `${size}\r\n${data}\r\n0\r\n\r\n`;
}

const length = `Content-Length: ${smuggled.length}\r\n`;
const chunks = "Transfer-Encoding: chunked\r\n";
const kept = [204, 404];

/** What, its bytes, and the statuses expected; the request that follows is added to each. */
const corpus: readonly (readonly [string, string, readonly number[]])[] = [
  // --- read in one certain way ---
  ["a length", `${post}${length}\r\n${smuggled}`, kept],
  ["a length with leading zeros", `${post}Content-Length: 0000${smuggled.length}\r\n\r\n${smuggled}`, kept],
  ["the same length twice", `${post}${length}${length}\r\n${smuggled}`, kept],
  ["a length of zero", `${post}Content-Length: 0\r\n\r\n`, kept],
  ["no body at all", `${post}\r\n`, kept],
  ["white space around a length", `${post}Content-Length: \t ${smuggled.length} \t\r\n\r\n${smuggled}`, kept],
  ["no white space", `${post}Content-Length:${smuggled.length}\r\n\r\n${smuggled}`, kept],
  ["chunks", `${post}${chunks}\r\n${chunked(smuggled)}`, kept],
  ["chunks in capitals", `${post}TRANSFER-ENCODING:\tCHUNKED\t\r\n\r\n${chunked(smuggled)}`, kept],
  ["no chunk but the last", `${post}${chunks}\r\n0\r\n\r\n`, kept],
  ["many small chunks", `${post}${chunks}\r\n${"1\r\nG\r\n2\r\nET\r\n".repeat(20)}0\r\n\r\n`, kept],
  ["chunk sizes in both cases and with zeros", `${post}${chunks}\r\n00a\r\n0123456789\r\nA\r\n0123456789\r\n0000\r\n\r\n`, kept],
  ["chunk extensions and trailers", `${post}${chunks}\r\n3;a=b;c="d"\r\nabc\r\n0;x\r\nA: b\r\nContent-Length: 99\r\n\r\n`, kept],
  ["a body that looks like the end of chunks", `${post}Content-Length: 5\r\n\r\n0\r\n\r\n`, kept],
  ["a chunk that looks like the end of chunks", `${post}${chunks}\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n`, kept],
  ["an unknown field that looks like another", `${post}${length}Transfer_Encoding: chunked\r\nX-Transfer-Encoding: chunked\r\n\r\n${smuggled}`, kept],
  ["one empty line before the request", `\r\n${post}${length}\r\n${smuggled}`, kept],
  ["an empty line behind a body", `${post}Content-Length: 1\r\n\r\nx\r\n`, kept],
  ["the absolute form", `POST http://other/unfreeze HTTP/1.1\r\nHost: mote\r\n${length}\r\n${smuggled}`, kept],
  ["Expect", `${post}Expect: 100-Continue\r\n${length}\r\n${smuggled}`, kept],
  ["a later minor version", `POST /unfreeze HTTP/1.9\r\nHost: mote\r\n${length}\r\n${smuggled}`, kept],
  ["an empty value, and bytes above 0x7f", `${post}X:\r\nY: \xff\xfe\r\n${length}\r\n${smuggled}`, kept],
  ["HTTP/1.0", `POST /unfreeze HTTP/1.0\r\n${length}\r\n${smuggled}`, [204]],
  ["close", `${post}Connection: x, CLOSE ,y\r\n${length}\r\n${smuggled}`, [204]],
  ["close in a second field", `${post}Connection: keep-alive\r\nConnection: close\r\n${length}\r\n${smuggled}`, [204]],
  ["a body that nobody reads", `GET /nope HTTP/1.1\r\nHost: mote\r\n${length}\r\n${smuggled}`, [404]],
  ["chunks that nobody reads", `GET /nope HTTP/1.1\r\nHost: mote\r\n${chunks}\r\n${chunked(smuggled)}`, [404]],

  // --- two lengths ---
  ["CL.TE", `${post}${length}${chunks}\r\n0\r\n\r\n${smuggled}`, [400]],
  ["TE.CL", `${post}${chunks}Content-Length: 4\r\n\r\n${chunked(smuggled)}`, [400]],
  ["TE and a length of zero", `${post}${chunks}Content-Length: 0\r\n\r\n${chunked(smuggled)}`, [400]],
  ["TE.TE", `${post}${chunks}Transfer-Encoding: identity\r\n\r\n${chunked(smuggled)}`, [400]],
  ["TE.TE the other way round", `${post}Transfer-Encoding: identity\r\n${chunks}\r\n${chunked(smuggled)}`, [501]],
  ["chunked twice", `${post}${chunks}${chunks}\r\n${chunked(smuggled)}`, [400]],
  ["chunked twice in one field", `${post}Transfer-Encoding: chunked, chunked\r\n\r\n${chunked(smuggled)}`, [501]],
  ["two lengths", `${post}${length}Content-Length: 5\r\n\r\n${smuggled}`, [400]],
  ["two lengths in one field", `${post}Content-Length: 5, ${smuggled.length}\r\n\r\n${smuggled}`, [400]],
  ["the same length twice in one field", `${post}Content-Length: 5, 5\r\n\r\n${smuggled}`, [400]],
  ["chunks in HTTP/1.0", `POST /unfreeze HTTP/1.0\r\nHost: mote\r\n${chunks}\r\n${chunked(smuggled)}`, [400]],

  // --- Transfer-Encoding in disguise ---
  ...["xchunked", "chunked;q=1", '"chunked"', "gzip, chunked", "chunked,", ",chunked", "chunke", "chunked x", "identity", "", "'chunked'"].map(
    (value) => [`Transfer-Encoding ${JSON.stringify(value)}`, `${post}Transfer-Encoding: ${value}\r\n${length}\r\n${smuggled}`, [501]] as const,
  ),
  ...["\x0bchunked", "chunked\0", "\0chunked", "chunked\r", "chun\rked", "\x7fchunked"].map(
    (value) => [`Transfer-Encoding ${JSON.stringify(value)}`, `${post}Transfer-Encoding: ${value}\r\n${length}\r\n${smuggled}`, [400]] as const,
  ),
  ...["Transfer-Encoding ", "Transfer-Encoding\t", " Transfer-Encoding", "Transfer-Encoding\r\n", "Transfer\x00Encoding", "X: y\nTransfer-Encoding", "X: y\rTransfer-Encoding", "\xffTransfer-Encoding"].map(
    (name) => [`the field ${JSON.stringify(name)}`, `${post}${name}: chunked\r\n${length}\r\n${smuggled}`, [400]] as const,
  ),

  // --- Content-Length in disguise ---
  ...["+5", "-1", "0x5", "5 5", "5;", "", " ", "1e3", "5.0", "99999999999999999999", "9007199254740993", "five", "\u00b9", "5,", "5\t5"].map(
    (value) => [`Content-Length ${JSON.stringify(value)}`, `${post}Content-Length: ${value}\r\n\r\n${smuggled}`, [400]] as const,
  ),
  ...["Content-Length ", "Content-Length\t", " Content-Length", "\tContent-Length", "Content-Length\r\n", "Content-Length\0", "X: y\nContent-Length", "\rContent-Length"].map(
    (name) => [`the field ${JSON.stringify(name)}`, `${post}${name}: 5\r\n\r\n${smuggled}`, [400]] as const,
  ),

  // --- chunks ---
  ...["-1", "+1", "0x1", " 1", "1 ", "1\t", "", "g", "1g", "00000000000000001", "ffffffffffffffff", "fffffffffffff", "1,1", '"1"', "1\r1", "1\0"].map(
    (size) => [`the chunk size ${JSON.stringify(size)}`, `${post}${chunks}\r\n${chunked("G", size)}${smuggled}`, [400]] as const,
  ),
  ["a chunk longer than its size", `${post}${chunks}\r\n1\r\nGE\r\n0\r\n\r\n${smuggled}`, [400]],
  ["a chunk without its end", `${post}${chunks}\r\n1\r\nG0\r\n\r\n${smuggled}`, [400]],
  ["LF behind a chunk's size", `${post}${chunks}\r\n1\nG\r\n0\r\n\r\n${smuggled}`, [400]],
  ["LF behind a chunk", `${post}${chunks}\r\n1\r\nG\n0\r\n\r\n${smuggled}`, [400]],
  ["CR behind a chunk", `${post}${chunks}\r\n1\r\nG\r0\r\n\r\n${smuggled}`, [400]],
  ["LF in an extension", `${post}${chunks}\r\n1;x\nG\r\n0\r\n\r\n${smuggled}`, [400]],
  ["CR in an extension", `${post}${chunks}\r\n1;x\rG\r\n0\r\n\r\n${smuggled}`, [400]],
  ["a huge extension", `${post}${chunks}\r\n1;${"x".repeat(5000)}\r\nG\r\n0\r\n\r\n${smuggled}`, [400]],
  ["LF at the end of the last chunk", `${post}${chunks}\r\n0\n\n${smuggled}`, [400]],
  ["LF at the end of the trailers", `${post}${chunks}\r\n0\r\nA: b\n\n${smuggled}`, [400]],
  ["LF behind the last chunk", `${post}${chunks}\r\n0\r\n\n${smuggled}`, [400]],
  ["CR at the end of the trailers", `${post}${chunks}\r\n0\r\n\r${smuggled}`, [400]],
  ["huge trailers", `${post}${chunks}\r\n0\r\n${`A: ${"b".repeat(100)}\r\n`.repeat(700)}\r\n${smuggled}`, [400]],

  // --- lines ---
  ["LF in a head", `POST /unfreeze HTTP/1.1\nHost: mote\n\n${smuggled}`, [400]],
  ["LF at the end of a head", `${post}X: y\n\r\n${smuggled}`, [400]],
  ["LF for the empty line", `${post}X: y\r\n\n${smuggled}`, [400]],
  ["CR in a value", `${post}X: y\rz\r\n\r\n`, [400]],
  ["NUL in a value", `${post}X: y\0z\r\n\r\n`, [400]],
  ["NUL in a name", `${post}X\0: y\r\n\r\n`, [400]],
  ["a folded line", `${post}X: y\r\n z\r\n\r\n`, [400]],
  ["a folded first line", `POST /unfreeze HTTP/1.1\r\n Host: mote\r\n\r\n`, [400]],
  ["a field without a colon", `${post}X\r\n\r\n`, [400]],
  ["a field without a name", `${post}: x\r\n\r\n`, [400]],
  ["white space in a name", `${post}X Y: z\r\n\r\n`, [400]],
  ["a name that is no token", `${post}X@Y: z\r\n\r\n`, [400]],
  ["a CR and a byte before the request", `\rX${post}\r\n`, [400]],
  ["a CR before the request", `\r${post}\r\n`, [400]],
  ["a LF before the request", `\n${post}\r\n`, [400]],
  ["two empty lines before the request", `\r\n\r\n${post}\r\n`, [400]],
  ["a space before the request", ` ${post}\r\n`, [400]],
  ["two spaces", `POST  /unfreeze HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["two spaces before the version", `POST /unfreeze  HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["a space behind the version", `POST /unfreeze HTTP/1.1 \r\nHost: mote\r\n\r\n`, [400]],
  ["tabs", `POST\t/unfreeze\tHTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["no version", `POST /unfreeze\r\nHost: mote\r\n\r\n`, [400]],
  ["no target", `POST HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["NUL in the target", `POST /un\0freeze HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["CR in the target", `POST /un\rfreeze HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["a method that is no token", `PO(ST /unfreeze HTTP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["HTTP/1.10", `POST /unfreeze HTTP/1.10\r\nHost: mote\r\n\r\n`, [400]],
  ["HTTP/01.1", `POST /unfreeze HTTP/01.1\r\nHost: mote\r\n\r\n`, [400]],
  ["HTTP/1.", `POST /unfreeze HTTP/1.\r\nHost: mote\r\n\r\n`, [400]],
  ["HTTP/2.0", `POST /unfreeze HTTP/2.0\r\nHost: mote\r\n\r\n`, [505]],
  ["HTTP/0.9", `POST /unfreeze HTTP/0.9\r\nHost: mote\r\n\r\n`, [505]],
  ["another protocol", `POST /unfreeze ICAP/1.1\r\nHost: mote\r\n\r\n`, [400]],
  ["no Host", `POST /unfreeze HTTP/1.1\r\n${length}\r\n${smuggled}`, [400]],
  ["two Hosts", `${post}Host: other\r\n${length}\r\n${smuggled}`, [400]],
];

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

describe("PRO-11 to PRO-14: in one piece", () => {
  for (const [name, request, expected] of corpus) {
    test(name, async () => {
      expect(await answers([bytesOf(request + next)])).toEqual([...expected]);
    });
  }
});

describe("PRO-11 to PRO-14: split at every byte", () => {
  for (const [name, request, expected] of corpus) {
    const whole = bytesOf(request + next);
    if (whole.length > 1000) continue;
    test(name, async () => {
      const splits = Array.from({ length: whole.length - 1 }, (_, i) => i + 1);
      // Several at a time: each barrier is behind what all have sent.
      for (let from = 0; from < splits.length; from += 16) {
        const some = splits.slice(from, from + 16);
        const found = await inParallel(some.map((at) => [whole.subarray(0, at), whole.subarray(at)]));
        for (const [index, statuses] of found.entries()) expect([some[index], ...statuses]).toEqual([some[index], ...expected]);
      }
    });
  }

  /** Like `answers`, for several requests in two parts, with one barrier between them. */
  async function inParallel(requests: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<number[][]> {
    const clients = await Promise.all(requests.map(() => RawClient.connect(daemon.port)));
    try {
      for (const [index, [first]] of requests.entries()) await clients[index]?.send(first);
      await settled();
      for (const [index, [, second]] of requests.entries()) await clients[index]?.send(second);
      return await Promise.all(clients.map(statusesTo));
    } finally {
      for (const client of clients) client.abort();
    }
  }

  async function statusesTo(client: RawClient): Promise<number[]> {
    client.endSending();
    const statuses: number[] = [];
    for (let head = await client.head(); head !== undefined; head = await client.head()) {
      await client.skipBody(head);
      if (head.status !== 100) statuses.push(head.status);
    }
    return statuses;
  }
});

test("byte by byte, each read by itself", async () => {
  for (const name of ["chunk extensions and trailers", "the absolute form", "one empty line before the request", "TE.CL"]) {
    const found = corpus.find(([other]) => other === name);
    if (found === undefined) throw new Error(name);
    const bytes = bytesOf(found[1] + next);
    expect(await answers(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toEqual([...found[2]]);
  }
});

test("PRO-13: what follows a body is never taken from it, whatever is in it", async () => {
  const piece = fc.oneof(
    fc.constantFrom(smuggled, "0\r\n\r\n", "\r\n\r\n", "\r\n", "5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n"),
    fc.string({ unit: "binary-ascii", maxLength: 40 }),
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  const asChunks = fc.array(text, { maxLength: 5 }).map((parts) =>
    `${post}${chunks}\r\n${parts.filter((part) => part !== "").map((part) => `${part.length.toString(16)};x\r\n${part}\r\n`).join("")}0\r\n\r\n`);
  const asLength = text.map((body) => `${post}Content-Length: ${body.length}\r\n\r\n${body}`);
  const requests = fc.array(fc.oneof(asChunks, asLength), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(requests, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }), async (all, cuts) => {
      const bytes = bytesOf(all.join("") + next);
      const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
      const parts = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length)).filter((part) => part.length > 0);
      expect(await answers(parts)).toEqual([...all.map(() => 204), 404]);
    }),
    { numRuns: 300 },
  );
});
