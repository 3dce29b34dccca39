// Which form of a file GET /files sends: content codings, conditions, ranges; envd-http.md 5.6 and 8.7.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { utimesSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { cpuSeconds } from "../proc.ts";
import { noise } from "../scratch.ts";
import { Daemon } from "./daemon.ts";
import { ask, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

const text = "hello, world\n";
const modified = "Tue, 15 Nov 1994 08:12:31 GMT";
const day = 86_400;
const seconds = Date.parse(modified) / 1000;

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
  put("text.txt", text);
  utimesSync(daemon.inside("/srv/text.txt"), seconds, seconds);
  put("empty", "");
});
afterAll(() => daemon.dispose());

function put(name: string, content: Uint8Array | string): void {
  writeFileSync(daemon.inside(`/srv/${name}`), content);
}

function get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(daemon.port, "GET", `/files?path=${path}`, { headers });
}

const getText = (headers: Record<string, string>): Promise<Reply> => get("/srv/text.txt", headers);

const identity = [
  "", "br", "deflate, br", "*", "gzip;q=0", "gzip;q=0, br", "gzip;q=0.5, identity;q=1.0", "*;q=0, identity", "identity, gzip",
];
const gzip = [
  "gzip", "GZIP", "gzip, deflate", "br;q=1.0, gzip;q=0.5", "gzip;q=0.5", "gzip;q=x", "*, identity;q=0", "*;q=0, gzip", "gzip, identity",
];
const neither = ["identity;q=0", "br, identity;q=0", "*;q=0", "br;q=1, *;q=0"];

test.each([...identity.map((value) => [value, "identity"]), ...gzip.map((value) => [value, "gzip"])])(
  "ENC-01: Accept-Encoding %j gets %s",
  async (value, coding) => {
    const reply = await getText({ "Accept-Encoding": value });
    expect([reply.status, reply.field("content-encoding") ?? "identity", reply.decoded.toString()]).toEqual([200, coding, text]);
    expect(reply.field("vary")).toContain("Accept-Encoding");
  },
);

test.each(neither)("ENC-01: Accept-Encoding %j gets nothing", async (value) => {
  const reply = await getText({ "Accept-Encoding": value });
  expect([reply.status, reply.message]).toEqual([406, "error parsing Accept-Encoding: no acceptable encoding found, supported: [gzip]"]);
});

test("ENC-02: gzip", async () => {
  for (const content of [noise(300_000), Buffer.alloc(3_000_000, "text "), noise(65_536), Buffer.from("x")]) {
    put("compressed.css", content);
    const reply = await get("/srv/compressed.css", { "Accept-Encoding": "gzip" });
    expect([reply.field("content-encoding"), reply.field("content-type")]).toEqual(["gzip", "text/css; charset=utf-8"]);
    expect([reply.field("accept-ranges"), reply.field("last-modified"), reply.field("content-length")]).toEqual([undefined, undefined, undefined]);
    expect(reply.field("vary")).toContain("Accept-Encoding");
    expect(gunzipSync(reply.body).equals(content)).toBe(true);
  }
});

test("ENC-03: gzip of an empty file", async () => {
  const reply = await get("/srv/empty", { "Accept-Encoding": "gzip" });
  expect([reply.field("content-encoding"), gunzipSync(reply.body).length]).toEqual(["gzip", 0]);
});

test.each(["Range", "If-Range", "If-Modified-Since", "If-None-Match"])("ENC-04: %s where identity is refused", async (name) => {
  for (const codings of ["gzip;q=1,*;q=0", "gzip, identity;q=0"]) {
    const reply = await getText({ "Accept-Encoding": codings, [name]: "bytes=0-4" });
    expect([reply.status, reply.message]).toEqual([406, "identity encoding not acceptable for Range or conditional request"]);
  }
  expect((await getText({ "Accept-Encoding": "gzip", [name]: "" })).field("content-encoding")).toBe("gzip");
});

test("ENC-05: a conditional request is not compressed", async () => {
  const reply = await getText({ "Accept-Encoding": "gzip", "If-Modified-Since": new Date((seconds - day) * 1000).toUTCString() });
  expect([reply.status, reply.field("content-encoding"), reply.text]).toEqual([200, undefined, text]);
});

test("SEC-09: Accept-Encoding with 50,000 items", async () => {
  const before = cpuSeconds(daemon.pid);
  const reply = await getText({ "Accept-Encoding": `${"x,".repeat(50_000)}gzip` });
  expect([reply.status, reply.field("content-encoding")]).toEqual([200, "gzip"]);
  // Of the agent's own time: this machine has others to serve.
  expect(cpuSeconds(daemon.pid) - before).toBeLessThan(1);
});

describe("ranges", () => {
  test.each([
    ["RNG-01", "bytes=0-4", "hello", "bytes 0-4/13"],
    ["RNG-02", "bytes=10-", "ld\n", "bytes 10-12/13"],
    ["RNG-02", "bytes=-3", "ld\n", "bytes 10-12/13"],
    ["RNG-02", "bytes=5-999", text.slice(5), "bytes 5-12/13"],
    ["RNG-03", "bytes=-999", text, "bytes 0-12/13"],
  ])("%s: %s", async (_, range, content, contentRange) => {
    const reply = await getText({ Range: range });
    expect([reply.status, reply.text, reply.field("content-range"), reply.field("content-length")])
      .toEqual([206, content, contentRange, `${content.length}`]);
    expect([reply.field("content-type"), reply.field("last-modified")]).toEqual(["text/plain; charset=utf-8", modified]);
  });

  test("RNG-04: two of them", async () => {
    const reply = await getText({ Range: "bytes=0-0,12-12" });
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(reply.field("content-type") ?? "")?.[1];
    expect(reply.status).toBe(206);
    const part = (range: string, content: string): string =>
      `--${boundary}\r\nContent-Range: bytes ${range}/13\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${content}\r\n`;
    expect(reply.text).toBe(`${part("0-0", "h")}${part("12-12", "\n")}--${boundary}--\r\n`);
    expect([reply.field("content-length"), reply.field("content-range")]).toEqual([`${reply.body.length}`, undefined]);
  });

  test("RNG-04: large ones", async () => {
    const content = noise(5_000_000);
    put("ranges", content);
    const reply = await get("/srv/ranges", { Range: "bytes=0-1999999,2500000-4999998" });
    expect(reply.status).toBe(206);
    expect(reply.body.indexOf(content.subarray(0, 2_000_000))).toBeGreaterThan(0);
    expect(reply.body.indexOf(content.subarray(2_500_000, 4_999_999))).toBeGreaterThan(2_000_000);
  });

  test("RNG-05: more than the file", async () => {
    const reply = await getText({ Range: "bytes=0-12,0-12" });
    expect([reply.status, reply.text]).toEqual([200, text]);
  });

  test("RNG-06: beyond the end", async () => {
    const reply = await getText({ Range: "bytes=99-" });
    expect([reply.status, reply.field("content-range"), reply.text]).toEqual([416, "bytes */13", "invalid range: failed to overlap"]);
    expect(reply.field("content-type")).toBe("text/plain; charset=utf-8");
  });

  test.each(["bytes=5-2", "items=0-1", "bytes=a-b", "bytes=x-"])("RNG-07: %s", async (range) => {
    const reply = await getText({ Range: range });
    expect([reply.status, reply.text]).toEqual([416, "invalid range"]);
  });

  test("RNG-08: of an empty file", async () => {
    const reply = await get("/srv/empty", { Range: "bytes=0-" });
    expect([reply.status, reply.body.length]).toEqual([200, 0]);
  });

  test("RNG-09, RNG-10: If-Range", async () => {
    const older = new Date((seconds - day) * 1000).toUTCString();
    const cases: readonly (readonly [string, number])[] = [[modified, 206], [older, 200], ['"etag"', 200], ["nonsense", 200]];
    for (const [value, status] of cases) {
      expect([value, (await getText({ Range: "bytes=0-4", "If-Range": value })).status]).toEqual([value, status]);
    }
  });

  test("RNG-11: If-Modified-Since", async () => {
    const peer = await Peer.connect(daemon.port);
    await peer.send(requestBytes("GET", "/files?path=/srv/text.txt", { headers: { "If-Modified-Since": modified } }));
    const reply = await peer.read();
    expect([reply.status, reply.field("content-type"), reply.field("content-length")]).toEqual([304, undefined, undefined]);
    await peer.send(requestBytes("GET", "/files?path=/srv/text.txt", { headers: { "If-Modified-Since": "yesterday" } }));
    expect((await peer.read()).status).toBe(200);
    peer.leave();
  });

  test("RNG-12: If-None-Match", async () => {
    expect((await getText({ "If-None-Match": "*" })).status).toBe(304);
    expect((await getText({ "If-None-Match": '"x"', "If-Modified-Since": modified })).status).toBe(200);
  });

  test("RNG-13: If-Unmodified-Since, If-Match", async () => {
    const older = new Date((seconds - day) * 1000).toUTCString();
    expect((await getText({ "If-Unmodified-Since": older })).status).toBe(412);
    expect((await getText({ "If-Unmodified-Since": modified })).status).toBe(200);
    expect((await getText({ "If-Match": '"x"' })).status).toBe(412);
    expect((await getText({ "If-Match": "*", "If-Unmodified-Since": older })).status).toBe(200);
  });

  test("RNG-14: 10,000 of them", async () => {
    const ranges = Array.from({ length: 10_000 }, (_, i) => `${i % 13}-${i % 13}`).join(",");
    const before = daemon.memory().rss;
    expect([200, 206, 416]).toContain((await getText({ Range: `bytes=${ranges}` })).status);
    expect(daemon.memory().rss - before).toBeLessThan(2_000_000);
  });
});
