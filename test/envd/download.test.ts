// GET and HEAD /files; envd-http.md 5.6 and 8.7.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

const text = "hello, world\n";
const modified = "Tue, 15 Nov 1994 08:12:31 GMT";
const day = 86_400;
const seconds = Date.parse(modified) / 1000;

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({
    setup: "mkfifo /srv/fifo; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/srv/socket\")'",
  });
  put("text.txt", text);
  utimesSync(daemon.inside("/srv/text.txt"), seconds, seconds);
  put("empty", "");
});
afterAll(() => daemon.dispose());

/** Writes a file into /srv; `name` is bytes, a character each. */
function put(name: string, content: Uint8Array | string): void {
  writeFileSync(Buffer.from(daemon.inside(`/srv/${name}`), "latin1"), content);
}

function get(path: string, headers: Record<string, string> = {}, query = ""): Promise<Reply> {
  return ask(daemon.port, "GET", `/files?path=${path}${query}`, { headers });
}

const getText = (headers: Record<string, string>): Promise<Reply> => get("/srv/text.txt", headers);

test("GET-01: a text", async () => {
  const reply = await getText({});
  expect([reply.status, reply.text, reply.field("content-length"), reply.field("accept-ranges")]).toEqual([200, text, "13", "bytes"]);
  expect(reply.field("last-modified")).toBe(modified);
  expect(reply.field("content-type")).toBe("text/plain; charset=utf-8");
  expect(reply.field("content-disposition")).toBe("inline; filename=text.txt");
  expect(reply.field("content-encoding")).toBeUndefined();
  expect(reply.field("vary")).toContain("Accept-Encoding");
});

test("GET-02: a missing file", async () => {
  const reply = await get("/srv/missing");
  expect([reply.status, reply.message]).toEqual([404, "path '/srv/missing' does not exist"]);
  expect(reply.field("content-disposition")).toBeUndefined();
});

test("GET-03: a directory", async () => {
  const reply = await get("/srv");
  expect([reply.status, reply.message]).toEqual([400, "path '/srv' is a directory"]);
});

test("GET-04: what is no file is refused at once", async () => {
  for (const path of ["/dev/zero", "/srv/fifo", "/srv/socket"]) {
    const reply = await get(path);
    expect([reply.status, reply.message]).toEqual([400, `path '${path}' is not a regular file`]);
  }
});

test("GET-05: below a file", async () => {
  const reply = await get("/etc/hostname/x");
  expect(reply.status).toBe(500);
  expect(reply.message).toStartWith("error checking if path exists '/etc/hostname/x': ");
});

test("GET-06: an empty file", async () => {
  const reply = await get("/srv/empty");
  expect([reply.status, reply.field("content-length"), reply.body.length]).toEqual([200, "0", 0]);
});

test("GET-07: files that do not know their size", async () => {
  // The frequencies in it change; lines of processors do not.
  const processors = (cpuinfo: string): string[] => cpuinfo.split("\n").filter((line) => !line.startsWith("cpu MHz"));
  const expected = processors(readFileSync("/proc/cpuinfo", "utf8"));
  for (const headers of [{}, { "Accept-Encoding": "gzip" }]) {
    const reply = await get("/proc/cpuinfo", headers);
    expect(reply.status).toBe(200);
    expect(processors(reply.decoded.toString())).toEqual(expected);
  }
  // A page by its status, less by its content; and more than one buffer.
  for (const path of ["/sys/kernel/mm/transparent_hugepage/enabled", "/proc/kallsyms"]) {
    const content = readFileSync(path);
    for (const headers of [{}, { "Accept-Encoding": "gzip" }, { Range: "bytes=0-3" }]) {
      const reply = await get(path, headers);
      expect([path, reply.status, reply.decoded.equals(content)]).toEqual([path, 200, true]);
    }
  }
  // HTTP/1.0 has no chunks: the body ends with the connection.
  const peer = await Peer.connect(daemon.port);
  await peer.send("GET /files?path=/proc/kallsyms HTTP/1.0\r\n\r\n");
  expect((await peer.read()).body.equals(readFileSync("/proc/kallsyms"))).toBe(true);
});

test("GET-08: a link has its own name", async () => {
  symlinkSync("text.txt", daemon.inside("/srv/link"));
  const reply = await get("/srv/link");
  expect([reply.text, reply.field("content-disposition")]).toEqual([text, "inline; filename=link"]);
});

test("GET-09: a link to nothing", async () => {
  symlinkSync("nothing", daemon.inside("/srv/dangling"));
  expect((await get("/srv/dangling")).status).toBe(404);
});

test("GET-10: permissions do not count", async () => {
  put("secret", text);
  chmodSync(daemon.inside("/srv/secret"), 0);
  const reply = await get("/srv/secret", {}, "&username=user");
  expect([reply.status, reply.text]).toEqual([200, text]);
});

test.each([
  ["test.txt", "inline; filename=test.txt"],
  ["my document.pdf", 'inline; filename="my document.pdf"'],
  ['file"name.txt', 'inline; filename="file\\"name.txt"'],
  ["文档.pdf", "inline; filename*=utf-8''%E6%96%87%E6%A1%A3.pdf"],
  ["a;b.txt", 'inline; filename="a;b.txt"'],
  ["a\nb.txt", "inline; filename*=utf-8''a%0Ab.txt"],
  [".env", "inline; filename=.env"],
])("GET-11: the disposition of %j", async (name, expected) => {
  put(Buffer.from(name).toString("latin1"), text);
  const reply = await get(`/srv/${encodeURIComponent(name)}`);
  expect([reply.status, reply.field("content-disposition")]).toEqual([200, expected]);
});

test.each([
  ["a newline", "x\ny", "x%0Ay"],
  ["byte 7F", "x\x7fy", "x%7Fy"],
  ["bytes that are no UTF-8", "x\xff\xfe\x80y", "x%FF%FE%80y"],
  ["such bytes sent as they are", "z\xff\xc3\x28y", "z%FF%C3%28y"],
])("GET-12: a name with %s", async (_, name, encoded) => {
  put(name, text);
  // A raw byte may stand in a target, but for controls.
  const isRaw = name.startsWith("z");
  const reply = await get(`/srv/${isRaw ? name.replace("(", "%28") : encoded}`);
  expect([reply.status, reply.text]).toEqual([200, text]);
  expect(reply.field("content-disposition")).toBe(`inline; filename*=utf-8''${encoded.replace("%79", "y")}`);
  expect((await get(`/srv/missing-${encoded}`)).status).toBe(404);
});

test("SEC-02: a name that holds a header", async () => {
  put("a\r\nSet-Cookie: x", text);
  const reply = await get("/srv/a%0D%0ASet-Cookie:%20x");
  expect(reply.fields.filter(([name]) => name === "set-cookie")).toEqual([]);
  expect(reply.field("content-disposition")).toBe("inline; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x");
});

test("GET-14: the type of an unknown extension is told by the first bytes", async () => {
  put("sniffed.xyz", "some text");
  put("image", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"));
  put("random", noise(100_000));
  expect((await get("/srv/sniffed.xyz")).field("content-type")).toBe("text/plain; charset=utf-8");
  expect((await get("/srv/image")).field("content-type")).toBe("image/png");
  expect((await get("/srv/random")).field("content-type")).toBe("application/octet-stream");
  expect((await get("/srv/sniffed.xyz", { "Accept-Encoding": "gzip" })).field("content-type")).toBe("application/octet-stream");
});

test("GET-15: HEAD", async () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ["/srv/text.txt", {}], ["/srv/text.txt", { Range: "bytes=0-4" }], ["/srv/text.txt", { Range: "bytes=0-0,3-3" }],
    ["/srv/text.txt", { "Accept-Encoding": "gzip" }], ["/srv/random", {}], ["/srv/empty", {}], ["/srv/missing", {}], ["/proc/kallsyms", {}],
  ];
  // On one connection: a body that is sent nevertheless would be taken for the next response.
  const peer = await Peer.connect(daemon.port);
  for (const [path, headers] of cases) {
    await peer.send(requestBytes("HEAD", `/files?path=${path}`, { headers }));
    const head = await peer.read(true);
    const whole = await get(path, headers);
    const same = (reply: Reply): unknown => [
      reply.status,
      reply.fields.filter(([name]) => name !== "date" && name !== "connection")
        .map(([name, value]) => [name, value.replace(/boundary=.*/, "boundary=")]),
    ];
    expect(same(head)).toEqual(same(whole));
  }
  peer.leave();
});

test("GET-16: clients that leave in the middle leak nothing", async () => {
  put("large", noise(4_000_000));
  const before = daemon.descriptors();
  const headers: readonly Record<string, string>[] = [{}, { "Accept-Encoding": "gzip" }, { Range: "bytes=0-1999999,2000000-3999998" }];
  for (let i = 0; i < 102; i++) {
    const peer = await Peer.connect(daemon.port);
    await peer.send(requestBytes("GET", "/files?path=/srv/large", { headers: headers[i % 3] ?? {} }));
    await until("the body begins", 20, () => peer.waiting > 1000);
    peer.leave();
  }
  await until("all descriptors are closed", 20, () => daemon.descriptors() <= before);
});

test.each([["plainly", ""], ["in ranges", "bytes=0-29999999,30000000-59999998"]])("GET-17: a file that shrinks meanwhile, sent %s", async (_, range) => {
  put("shrinking", new Uint8Array(60_000_000));
  const peer = await Peer.connect(daemon.port);
  await peer.send(requestBytes("GET", "/files?path=/srv/shrinking", { headers: range === "" ? {} : { Range: range } }));
  await until("the body begins", 20, () => peer.waiting > 1000);
  peer.pause();
  truncateSync(daemon.inside("/srv/shrinking"), 1_000_000);
  peer.resume();
  await peer.closed;
  expect(peer.waiting).toBeLessThan(60_000_000);
});

test("a file that grows meanwhile is cut at the announced length", async () => {
  put("growing", new Uint8Array(30_000_000));
  const peer = await Peer.connect(daemon.port);
  await peer.send(requestBytes("GET", "/files?path=/srv/growing"));
  await until("the body begins", 20, () => peer.waiting > 1000);
  truncateSync(daemon.inside("/srv/growing"), 60_000_000);
  expect((await peer.read()).body.length).toBe(30_000_000);
  await peer.send(requestBytes("GET", "/health"));
  expect((await peer.read()).status).toBe(200);
  peer.leave();
});

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
  const start = performance.now();
  const reply = await getText({ "Accept-Encoding": `${"x,".repeat(50_000)}gzip` });
  expect([reply.status, reply.field("content-encoding")]).toEqual([200, "gzip"]);
  expect(performance.now() - start).toBeLessThan(1000);
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
