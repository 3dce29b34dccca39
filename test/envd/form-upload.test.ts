// POST /files with a form; envd-http.md 5.7 and 8.8.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { scale } from "../host.ts";
import { noise } from "../scratch.ts";
import { RawClient } from "../http/raw.ts";
import { Daemon } from "./daemon.ts";
import { ask, filePart, formBody } from "./peer.ts";
import { BOUNDARY, form, type Parts, paths, putForm, putPieces } from "./uploads.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "mount -t tmpfs -o mode=1777 tmp /tmp" });
});
afterAll(() => daemon.dispose());

const read = (path: string): string => daemon.read(path).toString();

test("PUT-01: one file", async () => {
  const reply = await putForm(daemon, "path=/tmp/x/y.txt&username=root", [[filePart("upload"), "content"]]);
  expect([reply.status, reply.field("content-type"), reply.text])
    .toEqual([200, "application/json", '[{"path":"/tmp/x/y.txt","name":"y.txt","type":"file"}]']);
  expect(read("/tmp/x/y.txt")).toBe("content");
});

test("PUT-02: in chunks, 3 MiB", async () => {
  const content = noise(3 << 20);
  const body = formBody(BOUNDARY, [[filePart("upload"), content]]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += 50_021) pieces.push(body.subarray(at, at + 50_021));
  expect(paths(await putPieces(daemon, "path=/tmp/chunked", form, pieces))).toEqual(["/tmp/chunked"]);
  expect(daemon.read("/tmp/chunked").equals(content)).toBe(true);
});

test("PUT-03: a field that is a text", async () => {
  expect(paths(await putForm(daemon, "path=/tmp/field", [[filePart(undefined), "text"]]))).toEqual(["/tmp/field"]);
  expect(read("/tmp/field")).toBe("text");
});

test("PUT-04: neither path nor file name", async () => {
  const reply = await putForm(daemon, "", [[filePart(undefined), "text"]]);
  expect([reply.status, reply.message])
    .toEqual([400, "error getting multipart custom part file name: filename not found in Content-Disposition header"]);
});

test("PUT-05: several files by their names", async () => {
  const names = ["/tmp/five/a", "/tmp/five/b/c", "five-d"];
  const reply = await putForm(daemon, "", names.map((name): [string, string] => [filePart(name), name]));
  expect(paths(reply)).toEqual(["/tmp/five/a", "/tmp/five/b/c", "/root/five-d"]);
  for (const path of paths(reply)) expect(path).toEndWith(read(path));
});

test("PUT-06: a name leads anywhere", async () => {
  expect(paths(await putForm(daemon, "username=user", [[filePart("../../tmp/t.txt"), "anywhere"]]))).toEqual(["/tmp/t.txt"]);
  expect(read("/tmp/t.txt")).toBe("anywhere");
});

test("PUT-07: two files for one path", async () => {
  const reply = await putForm(daemon, "path=/tmp/twice", [[filePart("a"), "first"], [filePart("b"), "second"]]);
  expect([reply.status, reply.message]).toEqual([
    400,
    "you cannot upload multiple files to the same path '/tmp/twice' in one upload request, only the first specified file was uploaded",
  ]);
  expect(read("/tmp/twice")).toBe("first");
});

test("PUT-08: other fields are passed over", async () => {
  const parts: Parts = [[filePart("/tmp/no1", "other"), "x"], [filePart("/tmp/eight"), "file"], [filePart("/tmp/no2", "other"), "y"]];
  expect(paths(await putForm(daemon, "", parts))).toEqual(["/tmp/eight"]);
  expect(existsSync(daemon.inside("/tmp/no1")) || existsSync(daemon.inside("/tmp/no2"))).toBe(false);
});

test("PUT-09: no file at all", async () => {
  const reply = await putForm(daemon, "", [[filePart("x", "other"), "x"], ["X-Nothing: y", "z"]]);
  expect([reply.status, reply.text]).toEqual([200, "[]"]);
});

test("PUT-10: encoded names", async () => {
  const disposition = "Content-Disposition: form-data; name=\"file\"; ";
  const reply = await putForm(daemon, "", [
    [`${disposition}filename*=utf-8''%C3%BC.txt`, "1"], [`${disposition}filename="ö.txt"`, "2"], [`${disposition}filename="a%22b.txt"`, "3"],
    [`${disposition}filename="a\\"b.txt"`, "4"],
  ]);
  expect(paths(reply)).toEqual(["/root/ü.txt", "/root/ö.txt", "/root/a%22b.txt", "/root/a\"b.txt"]);
  expect(paths(reply).map(read)).toEqual(["1", "2", "3", "4"]);
});

test("an empty path is the home", async () => {
  const reply = await putForm(daemon, "path=&username=user", [[filePart("x"), "x"]]);
  expect([reply.status, reply.message]).toEqual([400, "path is a directory: /home/user"]);
});

test("PUT-15: a type without a boundary, and another one", async () => {
  for (const type of ["multipart/form-data", "multipart/form-data; boundary=", "multipart/related; boundary=x"]) {
    const reply = await putForm(daemon, "path=/tmp/fifteen", [[filePart("x"), "x"]], { "Content-Type": type });
    expect(reply.status).toBe(500);
    expect(reply.message).toStartWith("error parsing multipart form: ");
  }
  const mixed = await putForm(daemon, "path=/tmp/mixed", [[filePart("x"), "x"]], { "Content-Type": `multipart/mixed; boundary=${BOUNDARY}` });
  expect(paths(mixed)).toEqual(["/tmp/mixed"]);
});

test("PUT-16: a body that ends too early", async () => {
  const whole = formBody(BOUNDARY, [[filePart("/tmp/sixteen/a"), "first"], [filePart("/tmp/sixteen/b"), "second"]]);
  const headers = { "Content-Type": form };
  const cut = whole.subarray(0, whole.indexOf("second") + 3);
  const inFile = await ask(daemon.port, "POST", "/files", { headers, body: cut });
  expect(inFile.status).toBe(500);
  expect(inFile.message).toStartWith("error writing file: ");
  expect(read("/tmp/sixteen/a")).toBe("first");
  const between = await ask(daemon.port, "POST", "/files", { headers, body: whole.subarray(0, whole.length - 4) });
  expect(between.status).toBe(500);
  expect((await ask(daemon.port, "POST", "/files", { headers, body: "" })).message).toStartWith("error reading form: ");
});

test("a form that is refused in its middle is answered, and its connection ends", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send(`POST /files HTTP/1.1\r\nHost: mote\r\nContent-Type: ${form}\r\nContent-Length: 50000000\r\n\r\n--${BOUNDARY}\r\nbroken header\r\n\r\n`);
    const reply = await client.response();
    expect([reply.status, reply.get("connection")]).toEqual([500, "close"]);
    expect(await client.ending()).toBe("eof");
  }));

test("PUT-17: garbage in place of a boundary", async () => {
  const headers = { "Content-Type": form };
  const reply = await ask(daemon.port, "POST", "/files", { headers, body: noise(100_000) });
  expect(reply.status).toBe(500);
  expect(reply.message).toStartWith("error reading form: ");
});

test("PUT-18: a part's header of 1 MiB", async () => {
  const reply = await putForm(daemon, "", [[`X-Long: ${"x".repeat(1 << 20)}`, "x"]]);
  expect(reply.status).toBe(500);
  expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
});

test("PUT-19: what looks like a boundary", async () => {
  const content = [
    `--${BOUNDARY}`, `\n--${BOUNDARY}\n`, `\r--${BOUNDARY}`, `\r\n--${BOUNDARY}x`, `\r\n--${BOUNDARY}-`, `\r\n-${BOUNDARY}`, "\r\n", "\r", `\r\n--${BOUNDARY.slice(0, -1)}`,
  ].join("|");
  const body = formBody(BOUNDARY, [[filePart("x"), content]]);
  const pieces = [...body].map((byte) => Uint8Array.of(byte));
  expect(paths(await putPieces(daemon, "path=/tmp/nineteen", form, pieces))).toEqual(["/tmp/nineteen"]);
  expect(read("/tmp/nineteen")).toBe(content);
});

test("SEC-07: 10,000 small parts", async () => {
  const parts = Array.from({ length: 10_000 }, (): [string, string] => ["Content-Disposition: form-data; name=\"x\"", "y"]);
  const before = daemon.memory().rss;
  const reply = await putForm(daemon, "", parts);
  expect([reply.status, reply.text]).toEqual([200, "[]"]);
  expect(daemon.memory().rss - before).toBeLessThan(scale.growth);
});

test("SEC-08: strange boundaries", async () => {
  const boundaries = ["b".repeat(10_000), "(a+)+$", "'.*?[a-z]{2}'", "a b"];
  for (const boundary of boundaries) {
    const body = formBody(boundary, [[filePart("x"), "x".repeat(10_000)]]);
    const headers = { "Content-Type": `multipart/form-data; boundary="${boundary}"` };
    const reply = await ask(daemon.port, "POST", "/files?path=/tmp/bounded", { headers, body });
    expect([boundary.slice(0, 20), reply.status]).toEqual([boundary.slice(0, 20), 200]);
    expect(read("/tmp/bounded")).toHaveLength(10_000);
  }
  expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
});
