// POST /files: raw bodies, what becomes of targets, connections; envd-http.md 5.7 and 8.8.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, filePart, Peer, requestBytes } from "./peer.ts";
import { BOUNDARY, form, octets, paths, putForm, putPieces, putRaw } from "./uploads.ts";

setDefaultTimeout(hangLimit);

const setup = `
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir /srv/full /srv/inodes
mount -t tmpfs -o size=64k full /srv/full
mount -t tmpfs -o nr_inodes=3 inodes /srv/inodes
mkfifo /srv/fifo
`;

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup });
});
afterAll(() => daemon.dispose());

function read(path: string): string {
  return daemon.read(path).toString();
}

describe("raw", () => {
  test("PUT-11: stored", async () => {
    const reply = await putRaw(daemon, "path=/tmp/eleven", "raw");
    expect(reply.text).toBe('[{"path":"/tmp/eleven","name":"eleven","type":"file"}]');
    expect([reply.field("content-type"), read("/tmp/eleven")]).toEqual(["application/json", "raw"]);
  });

  test("PUT-12: without a path", async () => {
    const reply = await putRaw(daemon, "", "raw");
    expect([reply.status, reply.message]).toEqual([400, "path query parameter is required for raw body upload"]);
  });

  test("PUT-13: an empty file", async () => {
    expect(paths(await putRaw(daemon, "path=/tmp/thirteen", ""))).toEqual(["/tmp/thirteen"]);
    expect(read("/tmp/thirteen")).toBe("");
    expect(paths(await putPieces(daemon, "path=/tmp/thirteen-chunked", octets, []))).toEqual(["/tmp/thirteen-chunked"]);
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
    const reply = await putRaw(daemon, "path=/tmp/typed", "x", { "Content-Type": "Application/Octet-Stream; charset=binary" });
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
    expect((await putRaw(daemon, "path=/tmp/twenty&username=user", "short")).status).toBe(200);
    expect([read("/tmp/twenty"), ...statusOf("/tmp/twenty")]).toEqual(["short", 1000, 1000, 0o640, ino]);
  });

  test("PUT-21: a link", async () => {
    writeFileSync(daemon.inside("/tmp/target"), "before");
    symlinkSync("target", daemon.inside("/tmp/link"));
    expect(paths(await putRaw(daemon, "path=/tmp/link", "after"))).toEqual(["/tmp/link"]);
    expect([read("/tmp/target"), lstatSync(daemon.inside("/tmp/link")).isSymbolicLink()]).toEqual(["after", true]);
  });

  test("PUT-22: a directory", async () => {
    mkdirSync(daemon.inside("/tmp/directory"));
    for (const path of ["/tmp/directory", "/tmp/directory/"]) {
      const reply = await putRaw(daemon, `path=${path}`, "x");
      expect([reply.status, reply.message]).toEqual([400, `path is a directory: ${path}`]);
    }
  });

  test("PUT-23: below a file", async () => {
    writeFileSync(daemon.inside("/tmp/file"), "kept");
    for (const path of ["/tmp/file/x", "/tmp/file/x/y"]) {
      const reply = await putRaw(daemon, `path=${path}`, "x");
      expect([reply.status, reply.message]).toEqual([500, "error ensuring directories: path is a file: /tmp/file"]);
    }
    expect(read("/tmp/file")).toBe("kept");
  });

  test("PUT-24: new parents are the user's", async () => {
    mkdirSync(daemon.inside("/tmp/existing"), { mode: 0o711 });
    expect((await putRaw(daemon, "path=/tmp/existing/a/b/f&username=user", "x")).status).toBe(200);
    expect(statusOf("/tmp/existing").slice(0, 3)).toEqual([0, 0, 0o711]);
    for (const directory of ["a", "a/b"]) expect(statusOf(`/tmp/existing/${directory}`).slice(0, 3)).toEqual([1000, 1000, 0o755]);
    expect(statusOf("/tmp/existing/a/b/f").slice(0, 3)).toEqual([1000, 1000, 0o644]);
  });

  test("PUT-25: 20 at once into a new tree", async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => putRaw(daemon, `path=/tmp/tree/a/b/c/${i}&username=user`, `${i}`)));
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(readdirSync(daemon.inside("/tmp/tree/a/b/c"))).toHaveLength(20);
  });

  test("PUT-26, PUT-28: a full disk, and room again", async () => {
    writeFileSync(daemon.inside("/srv/full/filler"), Buffer.alloc(65_536));
    const reply = await putRaw(daemon, "path=/srv/full/x", noise(2048));
    expect([reply.status, reply.message]).toEqual([507, "attempted to write 2048 bytes: not enough disk space available"]);
    const chunked = await putPieces(daemon, "path=/srv/full/x", octets, [noise(2048)]);
    expect([chunked.status, chunked.message]).toEqual([507, "not enough disk space available"]);
    const inForm = await putForm(daemon, "path=/srv/full/x", [[filePart("x"), noise(2048)]]);
    expect(inForm.status).toBe(507);
    expect((await putRaw(daemon, "path=/srv/full/filler", "small")).status).toBe(200);
    expect(read("/srv/full/filler")).toBe("small");
  });

  test("PUT-27: no inode is left", async () => {
    writeFileSync(daemon.inside("/srv/inodes/1"), "");
    writeFileSync(daemon.inside("/srv/inodes/2"), "");
    for (const path of ["/srv/inodes/x", "/srv/inodes/a/x"]) {
      const reply = await putRaw(daemon, `path=${path}`, "x");
      expect(reply.status).toBe(507);
      expect(reply.message).toStartWith("not enough inodes available: ");
    }
  });

  test("PUT-29: where nothing can be made", async () => {
    const file = await putRaw(daemon, "path=/proc/invalid", "x");
    expect(file.status).toBe(500);
    expect(file.message).toStartWith("error opening file: ");
    const parent = await putRaw(daemon, "path=/proc/invalid/x", "x");
    expect(parent.status).toBe(500);
    expect(parent.message).toStartWith("error ensuring directories: ");
  });

  test("PUT-30: a FIFO that nobody reads", async () => {
    const reply = await putRaw(daemon, "path=/srv/fifo", "x");
    expect(reply.status).toBe(500);
    expect(reply.message).toStartWith("error opening file: ");
    expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
  });

  test("PUT-31: /dev/null, and a setting of the kernel's", async () => {
    expect((await putRaw(daemon, "path=/dev/null&username=root", noise(100_000))).status).toBe(200);
    const before = readFileSync("/proc/sys/vm/swappiness", "utf8");
    expect((await putRaw(daemon, "path=/proc/sys/vm/swappiness&username=root", before)).status).toBe(200);
  });

  test("PUT-32: an unknown user", async () => {
    const reply = await putRaw(daemon, "path=/tmp/ghost/x&username=ghost", "x");
    expect([reply.status, reply.message]).toEqual([401, "error looking up user 'ghost': user: unknown user ghost"]);
    expect(existsSync(daemon.inside("/tmp/ghost"))).toBe(false);
  });
});

describe("connections", () => {
  test("PUT-33: a client that leaves in the middle", async () => {
    const before = daemon.descriptors();
    const types: readonly (readonly [string, string])[] = [
      [octets, "some of it"], [form, `--${BOUNDARY}\r\n${filePart("x")}\r\n\r\nsome of it`],
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
    expect((await putRaw(daemon, "path=/tmp/aborted0", "whole")).status).toBe(200);
    expect(read("/tmp/aborted0")).toBe("whole");
  });

  test("a file that somebody moves away while it comes is stored where it is then", async () => {
    const peer = await Peer.connect(daemon.port);
    const headers = { "Content-Type": octets, "Content-Length": "8", "X-Metadata-A": "b" };
    await peer.send(requestBytes("POST", "/files?path=/tmp/incoming", { headers, body: "half" }));
    await until("the file is there", 20, () => existsSync(daemon.inside("/tmp/incoming")));
    renameSync(daemon.inside("/tmp/incoming"), daemon.inside("/tmp/taken"));
    await peer.send("rest");
    expect((await peer.read()).status).toBe(200);
    peer.leave();
    expect(read("/tmp/taken")).toBe("halfrest");
    expect(existsSync(daemon.inside("/tmp/incoming"))).toBe(false);
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
