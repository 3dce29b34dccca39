// POST /files; envd-http.md 5.7 and 8.8. Metadata and compressed bodies have files of their own.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { scale } from "../host.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, chunk, filePart, formBody, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

const setup = `
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir /srv/full /srv/inodes
mount -t tmpfs -o size=64k full /srv/full
mount -t tmpfs -o nr_inodes=3 inodes /srv/inodes
mkfifo /srv/fifo
`;
const BOUNDARY = "----boundary7MA4YWxk";
const octets = "application/octet-stream";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup });
});
afterAll(() => daemon.dispose());

type Parts = readonly (readonly [string, Uint8Array | string])[];

function putRaw(query: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(daemon.port, "POST", `/files?${query}`, { headers: { "Content-Type": octets, ...headers }, body });
}

function putForm(query: string, parts: Parts, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(daemon.port, "POST", `/files${query === "" ? "" : `?${query}`}`, {
    headers: { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
    body: formBody(BOUNDARY, parts),
  });
}

function read(path: string): string {
  return daemon.read(path).toString();
}

/** The paths that a reply says were stored. */
function paths(reply: Reply): string[] {
  expect([reply.status, reply.field("content-type")]).toEqual([200, "application/json"]);
  return (reply.json as { path: string }[]).map((entry) => entry.path);
}

/** Sends a body in pieces, byte by byte or otherwise. */
async function putPieces(query: string, type: string, pieces: readonly (Uint8Array | string)[]): Promise<Reply> {
  const peer = await Peer.connect(daemon.port);
  await peer.send(requestBytes("POST", `/files?${query}`, { headers: { "Content-Type": type, "Transfer-Encoding": "chunked" } }));
  for (const piece of pieces) await peer.send(chunk(piece));
  await peer.send(chunk(""));
  const reply = await peer.read();
  peer.leave();
  return reply;
}

describe("forms", () => {
  test("PUT-01: one file", async () => {
    const reply = await putForm("path=/tmp/x/y.txt&username=root", [[filePart("upload"), "content"]]);
    expect([reply.status, reply.field("content-type"), reply.text])
      .toEqual([200, "application/json", '[{"path":"/tmp/x/y.txt","name":"y.txt","type":"file"}]']);
    expect(read("/tmp/x/y.txt")).toBe("content");
  });

  test("PUT-02: in chunks, 3 MiB", async () => {
    const content = noise(3 << 20);
    const body = formBody(BOUNDARY, [[filePart("upload"), content]]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < body.length; at += 50_021) pieces.push(body.subarray(at, at + 50_021));
    expect(paths(await putPieces("path=/tmp/chunked", `multipart/form-data; boundary=${BOUNDARY}`, pieces))).toEqual(["/tmp/chunked"]);
    expect(daemon.read("/tmp/chunked").equals(content)).toBe(true);
  });

  test("PUT-03: a field that is a text", async () => {
    expect(paths(await putForm("path=/tmp/field", [[filePart(undefined), "text"]]))).toEqual(["/tmp/field"]);
    expect(read("/tmp/field")).toBe("text");
  });

  test("PUT-04: neither path nor file name", async () => {
    const reply = await putForm("", [[filePart(undefined), "text"]]);
    expect([reply.status, reply.message])
      .toEqual([400, "error getting multipart custom part file name: filename not found in Content-Disposition header"]);
  });

  test("PUT-05: several files by their names", async () => {
    const names = ["/tmp/five/a", "/tmp/five/b/c", "five-d"];
    const reply = await putForm("", names.map((name): [string, string] => [filePart(name), name]));
    expect(paths(reply)).toEqual(["/tmp/five/a", "/tmp/five/b/c", "/root/five-d"]);
    for (const path of paths(reply)) expect(path).toEndWith(read(path));
  });

  test("PUT-06: a name leads anywhere", async () => {
    expect(paths(await putForm("username=user", [[filePart("../../tmp/t.txt"), "anywhere"]]))).toEqual(["/tmp/t.txt"]);
    expect(read("/tmp/t.txt")).toBe("anywhere");
  });

  test("PUT-07: two files for one path", async () => {
    const reply = await putForm("path=/tmp/twice", [[filePart("a"), "first"], [filePart("b"), "second"]]);
    expect([reply.status, reply.message]).toEqual([
      400,
      "you cannot upload multiple files to the same path '/tmp/twice' in one upload request, only the first specified file was uploaded",
    ]);
    expect(read("/tmp/twice")).toBe("first");
  });

  test("PUT-08: other fields are passed over", async () => {
    const parts: Parts = [[filePart("/tmp/no1", "other"), "x"], [filePart("/tmp/eight"), "file"], [filePart("/tmp/no2", "other"), "y"]];
    expect(paths(await putForm("", parts))).toEqual(["/tmp/eight"]);
    expect(existsSync(daemon.inside("/tmp/no1")) || existsSync(daemon.inside("/tmp/no2"))).toBe(false);
  });

  test("PUT-09: no file at all", async () => {
    const reply = await putForm("", [[filePart("x", "other"), "x"], ["X-Nothing: y", "z"]]);
    expect([reply.status, reply.text]).toEqual([200, "[]"]);
  });

  test("PUT-10: encoded names", async () => {
    const disposition = "Content-Disposition: form-data; name=\"file\"; ";
    const reply = await putForm("", [
      [`${disposition}filename*=utf-8''%C3%BC.txt`, "1"], [`${disposition}filename="ö.txt"`, "2"], [`${disposition}filename="a%22b.txt"`, "3"],
      [`${disposition}filename="a\\"b.txt"`, "4"],
    ]);
    expect(paths(reply)).toEqual(["/root/ü.txt", "/root/ö.txt", "/root/a%22b.txt", "/root/a\"b.txt"]);
    expect(paths(reply).map(read)).toEqual(["1", "2", "3", "4"]);
  });

  test("an empty path is the home", async () => {
    const reply = await putForm("path=&username=user", [[filePart("x"), "x"]]);
    expect([reply.status, reply.message]).toEqual([400, "path is a directory: /home/user"]);
  });

  test("PUT-15: a type without a boundary, and another one", async () => {
    for (const type of ["multipart/form-data", "multipart/form-data; boundary=", "multipart/related; boundary=x"]) {
      const reply = await putForm("path=/tmp/fifteen", [[filePart("x"), "x"]], { "Content-Type": type });
      expect(reply.status).toBe(500);
      expect(reply.message).toStartWith("error parsing multipart form: ");
    }
    const mixed = await putForm("path=/tmp/mixed", [[filePart("x"), "x"]], { "Content-Type": `multipart/mixed; boundary=${BOUNDARY}` });
    expect(paths(mixed)).toEqual(["/tmp/mixed"]);
  });

  test("PUT-16: a body that ends too early", async () => {
    const whole = formBody(BOUNDARY, [[filePart("/tmp/sixteen/a"), "first"], [filePart("/tmp/sixteen/b"), "second"]]);
    const headers = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };
    const cut = whole.subarray(0, whole.indexOf("second") + 3);
    const inFile = await ask(daemon.port, "POST", "/files", { headers, body: cut });
    expect(inFile.status).toBe(500);
    expect(inFile.message).toStartWith("error writing file: ");
    expect(read("/tmp/sixteen/a")).toBe("first");
    const between = await ask(daemon.port, "POST", "/files", { headers, body: whole.subarray(0, whole.length - 4) });
    expect(between.status).toBe(500);
    expect((await ask(daemon.port, "POST", "/files", { headers, body: "" })).message).toStartWith("error reading form: ");
  });

  test("PUT-17: garbage in place of a boundary", async () => {
    const headers = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };
    const reply = await ask(daemon.port, "POST", "/files", { headers, body: noise(100_000) });
    expect(reply.status).toBe(500);
    expect(reply.message).toStartWith("error reading form: ");
  });

  test("PUT-18: a part's header of 1 MiB", async () => {
    const reply = await putForm("", [[`X-Long: ${"x".repeat(1 << 20)}`, "x"]]);
    expect(reply.status).toBe(500);
    expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
  });

  test("PUT-19: what looks like a boundary", async () => {
    const content = [
      `--${BOUNDARY}`, `\n--${BOUNDARY}\n`, `\r--${BOUNDARY}`, `\r\n--${BOUNDARY}x`, `\r\n--${BOUNDARY}-`, `\r\n-${BOUNDARY}`, "\r\n", "\r", `\r\n--${BOUNDARY.slice(0, -1)}`,
    ].join("|");
    const body = formBody(BOUNDARY, [[filePart("x"), content]]);
    const pieces = [...body].map((byte) => Uint8Array.of(byte));
    expect(paths(await putPieces("path=/tmp/nineteen", `multipart/form-data; boundary=${BOUNDARY}`, pieces))).toEqual(["/tmp/nineteen"]);
    expect(read("/tmp/nineteen")).toBe(content);
  });

  test("SEC-07: 10,000 small parts", async () => {
    const parts = Array.from({ length: 10_000 }, (): [string, string] => ["Content-Disposition: form-data; name=\"x\"", "y"]);
    const before = daemon.memory().rss;
    const reply = await putForm("", parts);
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
});

describe("raw", () => {
  test("PUT-11: stored", async () => {
    const reply = await putRaw("path=/tmp/eleven", "raw");
    expect(reply.text).toBe('[{"path":"/tmp/eleven","name":"eleven","type":"file"}]');
    expect([reply.field("content-type"), read("/tmp/eleven")]).toEqual(["application/json", "raw"]);
  });

  test("PUT-12: without a path", async () => {
    const reply = await putRaw("", "raw");
    expect([reply.status, reply.message]).toEqual([400, "path query parameter is required for raw body upload"]);
  });

  test("PUT-13: an empty file", async () => {
    expect(paths(await putRaw("path=/tmp/thirteen", ""))).toEqual(["/tmp/thirteen"]);
    expect(read("/tmp/thirteen")).toBe("");
    expect(paths(await putPieces("path=/tmp/thirteen-chunked", octets, []))).toEqual(["/tmp/thirteen-chunked"]);
    expect(read("/tmp/thirteen-chunked")).toBe("");
  });

  test("PUT-14: another type, or none", async () => {
    for (const type of ["application/json", ""]) {
      const reply = await ask(daemon.port, "POST", "/files?path=/tmp/x", { headers: type === "" ? {} : { "Content-Type": type }, body: "x" });
      expect([reply.status, reply.message])
        .toEqual([400, `unsupported content type: ${type}, expected multipart/form-data or application/octet-stream`]);
    }
  });

  test("types are compared in any case, and without their parameters", async () => {
    const reply = await putRaw("path=/tmp/typed", "x", { "Content-Type": "Application/Octet-Stream; charset=binary" });
    expect(reply.status).toBe(200);
  });
});

describe("targets", () => {
  const statusOf = (path: string): unknown[] => {
    const { uid, gid, mode, ino } = statSync(daemon.inside(path));
    return [uid, gid, mode & 0o7777, ino];
  };

  test("PUT-20: one that is there keeps its mode and inode", async () => {
    const path = daemon.inside("/tmp/twenty");
    writeFileSync(path, "longer than what comes");
    chmodSync(path, 0o640);
    const { ino } = statSync(path);
    expect((await putRaw("path=/tmp/twenty&username=user", "short")).status).toBe(200);
    expect([read("/tmp/twenty"), ...statusOf("/tmp/twenty")]).toEqual(["short", 1000, 1000, 0o640, ino]);
  });

  test("PUT-21: a link", async () => {
    writeFileSync(daemon.inside("/tmp/target"), "before");
    symlinkSync("target", daemon.inside("/tmp/link"));
    expect(paths(await putRaw("path=/tmp/link", "after"))).toEqual(["/tmp/link"]);
    expect([read("/tmp/target"), lstatSync(daemon.inside("/tmp/link")).isSymbolicLink()]).toEqual(["after", true]);
  });

  test("PUT-22: a directory", async () => {
    mkdirSync(daemon.inside("/tmp/directory"));
    for (const path of ["/tmp/directory", "/tmp/directory/"]) {
      const reply = await putRaw(`path=${path}`, "x");
      expect([reply.status, reply.message]).toEqual([400, `path is a directory: ${path}`]);
    }
  });

  test("PUT-23: below a file", async () => {
    writeFileSync(daemon.inside("/tmp/file"), "kept");
    for (const path of ["/tmp/file/x", "/tmp/file/x/y"]) {
      const reply = await putRaw(`path=${path}`, "x");
      expect([reply.status, reply.message]).toEqual([500, "error ensuring directories: path is a file: /tmp/file"]);
    }
    expect(read("/tmp/file")).toBe("kept");
  });

  test("PUT-24: new parents are the user's", async () => {
    mkdirSync(daemon.inside("/tmp/existing"), { mode: 0o711 });
    expect((await putRaw("path=/tmp/existing/a/b/f&username=user", "x")).status).toBe(200);
    expect(statusOf("/tmp/existing").slice(0, 3)).toEqual([0, 0, 0o711]);
    for (const directory of ["a", "a/b"]) expect(statusOf(`/tmp/existing/${directory}`).slice(0, 3)).toEqual([1000, 1000, 0o755]);
    expect(statusOf("/tmp/existing/a/b/f").slice(0, 3)).toEqual([1000, 1000, 0o644]);
  });

  test("PUT-25: 20 at once into a new tree", async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => putRaw(`path=/tmp/tree/a/b/c/${i}&username=user`, `${i}`)));
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(readdirSync(daemon.inside("/tmp/tree/a/b/c"))).toHaveLength(20);
  });

  test("PUT-26, PUT-28: a full disk, and room again", async () => {
    writeFileSync(daemon.inside("/srv/full/filler"), Buffer.alloc(65_536));
    const reply = await putRaw("path=/srv/full/x", noise(2048));
    expect([reply.status, reply.message]).toEqual([507, "attempted to write 2048 bytes: not enough disk space available"]);
    const chunked = await putPieces("path=/srv/full/x", octets, [noise(2048)]);
    expect([chunked.status, chunked.message]).toEqual([507, "not enough disk space available"]);
    const form = await putForm("path=/srv/full/x", [[filePart("x"), noise(2048)]]);
    expect(form.status).toBe(507);
    expect((await putRaw("path=/srv/full/filler", "small")).status).toBe(200);
    expect(read("/srv/full/filler")).toBe("small");
  });

  test("PUT-27: no inode is left", async () => {
    writeFileSync(daemon.inside("/srv/inodes/1"), "");
    writeFileSync(daemon.inside("/srv/inodes/2"), "");
    for (const path of ["/srv/inodes/x", "/srv/inodes/a/x"]) {
      const reply = await putRaw(`path=${path}`, "x");
      expect(reply.status).toBe(507);
      expect(reply.message).toStartWith("not enough inodes available: ");
    }
  });

  test("PUT-29: where nothing can be made", async () => {
    const file = await putRaw("path=/proc/invalid", "x");
    expect(file.status).toBe(500);
    expect(file.message).toStartWith("error opening file: ");
    const parent = await putRaw("path=/proc/invalid/x", "x");
    expect(parent.status).toBe(500);
    expect(parent.message).toStartWith("error ensuring directories: ");
  });

  test("PUT-30: a FIFO that nobody reads", async () => {
    const reply = await putRaw("path=/srv/fifo", "x");
    expect(reply.status).toBe(500);
    expect(reply.message).toStartWith("error opening file: ");
    expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
  });

  test("PUT-31: /dev/null, and a setting of the kernel's", async () => {
    expect((await putRaw("path=/dev/null&username=root", noise(100_000))).status).toBe(200);
    const before = readFileSync("/proc/sys/vm/swappiness", "utf8");
    expect((await putRaw("path=/proc/sys/vm/swappiness&username=root", before)).status).toBe(200);
  });

  test("PUT-32: an unknown user", async () => {
    const reply = await putRaw("path=/tmp/ghost/x&username=ghost", "x");
    expect([reply.status, reply.message]).toEqual([401, "error looking up user 'ghost': user: unknown user ghost"]);
    expect(existsSync(daemon.inside("/tmp/ghost"))).toBe(false);
  });
});

describe("connections", () => {
  test("PUT-33: a client that leaves in the middle", async () => {
    const before = daemon.descriptors();
    const types: readonly (readonly [string, string])[] = [
      [octets, "some of it"], [`multipart/form-data; boundary=${BOUNDARY}`, `--${BOUNDARY}\r\n${filePart("x")}\r\n\r\nsome of it`],
    ];
    for (let i = 0; i < 40; i++) {
      const [type, body] = types[i % 2] ?? [octets, ""];
      const peer = await Peer.connect(daemon.port);
      await peer.send(requestBytes("POST", `/files?path=/tmp/aborted${i}`, { headers: { "Content-Type": type, "Content-Length": "100000" }, body }));
      await until("the file is there", 20, () => existsSync(daemon.inside(`/tmp/aborted${i}`)));
      if (i % 4 < 2) peer.leave();
      else peer.end();
      await peer.closed;
    }
    await until("all descriptors are closed", 20, () => daemon.descriptors() <= before);
    expect((await putRaw("path=/tmp/aborted0", "whole")).status).toBe(200);
    expect(read("/tmp/aborted0")).toBe("whole");
  });

  test("PUT-34: a refusal of 10 MiB can be read", async () => {
    const peer = await Peer.connect(daemon.port);
    const body = new Uint8Array(10 << 20);
    void peer.send(requestBytes("POST", "/files?path=/tmp/x&username=ghost", { headers: { "Content-Type": octets }, body }));
    const reply = await peer.read();
    expect([reply.status, reply.field("connection")]).toEqual([401, "close"]);
    peer.leave();
  });

  test("PRO-02: a file is there for the request behind its upload", async () => {
    const peer = await Peer.connect(daemon.port);
    const content = noise(200_000).toString("base64");
    await peer.send(Buffer.concat([
      requestBytes("POST", "/files?path=/tmp/pipelined", { headers: { "Content-Type": octets }, body: content }),
      requestBytes("GET", "/files?path=/tmp/pipelined"),
    ]));
    expect((await peer.read()).status).toBe(200);
    expect((await peer.read()).text).toBe(content);
    peer.leave();
  });

  test("PRO-15: Expect: 100-continue", async () => {
    const headers = { "Content-Type": octets, Expect: "100-continue", "Content-Length": "4" };
    const peer = await Peer.connect(daemon.port);
    await peer.send(requestBytes("POST", "/files?path=/tmp/expected", { headers }));
    await until("the client may go on", 20, () => peer.waiting > 0);
    await peer.send("body");
    expect([(await peer.read()).status, peer.interim, read("/tmp/expected")]).toEqual([200, [100], "body"]);
    peer.leave();
    for (const [query, status] of [["path=/tmp/expected&username=ghost", 401], ["path=/tmp", 400], ["", 400]] as const) {
      const refused = await Peer.connect(daemon.port);
      await refused.send(requestBytes("POST", `/files?${query}`, { headers }));
      expect([(await refused.read()).status, refused.interim]).toEqual([status, []]);
      refused.leave();
    }
  });
});
