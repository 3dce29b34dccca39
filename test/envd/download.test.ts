// GET and HEAD /files: what is sent of which file; envd-http.md 5.6 and 8.7.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

const text = "hello, world\n";
const modified = "Tue, 15 Nov 1994 08:12:31 GMT";
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

test("GET-01: a text", async () => {
  const reply = await get("/srv/text.txt");
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
