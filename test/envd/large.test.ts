// Transfers larger than memory should notice; envd-http.md 8.7, 8.8 and 8.11. Natively the daemon's memory has a limit of its
// own; elsewhere, where a run-time has more than the daemon, it must not grow.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readSync, statSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { host, scale } from "../host.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, chunk, filePart, Peer, requestBytes } from "./peer.ts";

setDefaultTimeout(300_000);

const NATIVE_LIMIT = 2_000_000;
const PIECE = 4 << 20;
const octets = "application/octet-stream";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

/** Runs `body`, looking at the daemon's memory and its answers all the time. */
async function observed(body: Promise<void>): Promise<void> {
  const before = daemon.memory().rss;
  let peak = before;
  let answers = 0;
  let isDone = false;
  const done = body.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
    answers++;
    peak = Math.max(peak, daemon.memory().rss);
    await Bun.sleep(10);
  }
  await done;
  if (process.env.MOTE_VERBOSE !== undefined) console.log(`peak RSS ${peak} bytes, before ${before}; ${answers} answers`);
  if (host.name === "x86_64") expect(peak).toBeLessThan(NATIVE_LIMIT);
  else expect(peak - before).toBeLessThan(scale.growth);
  // The transfer lets others have their turns: a daemon that was busy with it all the time would have answered once or twice.
  expect(answers).toBeGreaterThan(10);
}

/** Takes a response of so many bytes, or, where they are compressed, of some; `check` sees what comes. */
async function download(path: string, headers: Record<string, string>, onData: (bytes: Buffer) => void): Promise<number> {
  let received = 0;
  const response = await fetch(`${daemon.url}/files?path=${path}`, { headers, decompress: false });
  expect(response.status).toBe(200);
  for await (const bytes of response.body ?? []) {
    received += bytes.length;
    onData(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }
  return received;
}

async function upload(query: string, headers: Record<string, string>, pieces: Iterable<Uint8Array>): Promise<void> {
  const peer = await Peer.connect(daemon.port);
  await peer.send(requestBytes("POST", `/files?${query}`, { headers }));
  for (const piece of pieces) await peer.send(piece);
  expect((await peer.read()).status).toBe(200);
  peer.leave();
}

const piece = noise(PIECE);
const count = Math.ceil(scale.transfer / PIECE);
const size = count * PIECE;

function* pieces(): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield piece;
}

/** Whether a file is the pieces one after the other, and nothing else; removes it. */
function isWhole(path: string): boolean {
  const fd = openSync(daemon.inside(path), "r");
  const bytes = Buffer.alloc(PIECE);
  let isSame = statSync(daemon.inside(path)).size === size;
  for (let i = 0; i < count && isSame; i++) isSame = readSync(fd, bytes, 0, PIECE, i * PIECE) === PIECE && bytes.equals(piece);
  closeSync(fd);
  unlinkSync(daemon.inside(path));
  return isSame;
}

describe("uploads", () => {
  test("a raw one", async () => {
    await observed(upload("path=/srv/raw", { "Content-Type": octets, "Content-Length": `${size}` }, pieces()));
    expect(isWhole("/srv/raw")).toBe(true);
  });

  test("PUT-02: a form in chunks", async () => {
    const body = function* (): Generator<Uint8Array> {
      yield chunk(`--B\r\n${filePart("/srv/form")}\r\n\r\n`);
      for (const bytes of pieces()) yield chunk(bytes);
      yield chunk("\r\n--B--\r\n");
      yield chunk("");
    };
    await observed(upload("", { "Content-Type": "multipart/form-data; boundary=B", "Transfer-Encoding": "chunked" }, body()));
    expect(isWhole("/srv/form")).toBe(true);
  });

  test("one in gzip", async () => {
    // As many members as pieces; noise comes out as it goes in.
    const member = gzipSync(piece, { level: 1 });
    const body = function* (): Generator<Uint8Array> {
      for (let i = 0; i < count; i++) yield member;
    };
    const headers = { "Content-Type": octets, "Content-Encoding": "gzip", "Content-Length": `${member.length * count}` };
    await observed(upload("path=/srv/gzip", headers, body()));
    expect(isWhole("/srv/gzip")).toBe(true);
  });
});

describe("downloads", () => {
  test("a plain one", async () => {
    writeFileSync(daemon.inside("/srv/plain"), "");
    const fd = openSync(daemon.inside("/srv/plain"), "w");
    for (const bytes of pieces()) writeFileSync(fd, bytes);
    closeSync(fd);
    let at = 0;
    let isSame = true;
    const check = (bytes: Buffer): void => {
      for (let from = 0; from < bytes.length && isSame; ) {
        const length = Math.min(bytes.length - from, PIECE - (at % PIECE));
        isSame = piece.compare(bytes, from, from + length, at % PIECE, (at % PIECE) + length) === 0;
        at += length;
        from += length;
      }
    };
    await observed(download("/srv/plain", { "Accept-Encoding": "identity" }, check).then((received) => {
      expect([received, isSame]).toEqual([size, true]);
    }));
    unlinkSync(daemon.inside("/srv/plain"));
  });

  test("one in gzip", async () => {
    writeFileSync(daemon.inside("/srv/sparse"), "");
    truncateSync(daemon.inside("/srv/sparse"), size);
    const gunzip = Bun.spawn(["sh", "-c", "gzip -dc | wc -c"], { stdin: "pipe", stdout: "pipe" });
    await observed(download("/srv/sparse", { "Accept-Encoding": "gzip" }, (bytes) => void gunzip.stdin.write(Uint8Array.from(bytes))).then(() => {}));
    await gunzip.stdin.end();
    expect((await new Response(gunzip.stdout).text()).trim()).toBe(`${size}`);
    unlinkSync(daemon.inside("/srv/sparse"));
  });

  test("GET-13: 4 GiB, of which nothing is stored", async () => {
    const length = host.name === "x86_64" ? 4 * 1024 ** 3 : scale.transfer;
    writeFileSync(daemon.inside("/srv/sparse"), "");
    truncateSync(daemon.inside("/srv/sparse"), length);
    const start = performance.now();
    let first = 0;
    await observed(download("/srv/sparse", { "Accept-Encoding": "identity" }, () => {
      if (first === 0) first = performance.now() - start;
    }).then((received) => expect(received).toBe(length)));
    expect(first).toBeLessThan(1000);
    unlinkSync(daemon.inside("/srv/sparse"));
  });

  test("PRO-06: a reader that stops reading costs nothing", async () => {
    writeFileSync(daemon.inside("/srv/sparse"), "");
    truncateSync(daemon.inside("/srv/sparse"), 1024 ** 3);
    const before = daemon.memory().rss;
    const readers: Peer[] = [];
    for (const headers of [{}, { "Accept-Encoding": "gzip" }]) {
      const peer = await Peer.connect(daemon.port);
      await peer.send(requestBytes("GET", "/files?path=/srv/sparse", { headers }));
      await until("the body begins", 20, () => peer.waiting > 1000);
      peer.pause();
      readers.push(peer);
    }
    await Bun.sleep(500);
    expect(daemon.memory().rss - before).toBeLessThan(scale.growth);
    for (const peer of readers) peer.leave();
  });
});
