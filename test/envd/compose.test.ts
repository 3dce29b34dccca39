// POST /files/compose; envd-http.md 5.8 and 8.9.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ask, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "mkdir /srv/small /srv/other; mount -t tmpfs -o size=1m small /srv/small; mount -t tmpfs other /srv/other" });
});
afterAll(() => daemon.dispose());

const path = (name: string): string => daemon.inside(name);
const put = (name: string, content: Uint8Array | string): void => writeFileSync(path(name), content);

function compose(request: unknown): Promise<Reply> {
  return ask(daemon.port, "POST", "/files/compose", { body: typeof request === "string" ? request : JSON.stringify(request) });
}

function temporaries(directory: string): string[] {
  return readdirSync(path(directory)).filter((name) => name.endsWith(".tmp"));
}

test("CMP-01: three parts", async () => {
  const parts = [noise(10_000_000, 1), Buffer.from("middle"), noise(300_000, 3)];
  mkdirSync(path("/home/user/parts"));
  for (const [i, part] of parts.entries()) put(`/home/user/parts/${i}`, part);
  const reply = await compose({ source_paths: ["parts/0", "~/parts/1", "/home/user/parts/2"], destination: "whole.bin", username: "user" });
  expect([reply.status, reply.field("content-type"), reply.text])
    .toEqual([200, "application/json", '{"path":"/home/user/whole.bin","name":"whole.bin","type":"file"}']);
  expect(daemon.read("/home/user/whole.bin").equals(Buffer.concat(parts))).toBe(true);
  expect(readdirSync(path("/home/user/parts"))).toEqual([]);
  const { uid, gid, mode } = statSync(path("/home/user/whole.bin"));
  expect([uid, gid, mode & 0o7777]).toEqual([1000, 1000, 0o644]);
});

test("a source listed twice is copied twice, an empty one is nothing, and files of another file system are read", async () => {
  put("/srv/other/a", noise(500_000));
  put("/srv/empty", "");
  const reply = await compose({ source_paths: ["/srv/other/a", "/srv/empty", "/srv/other/a"], destination: "/srv/twice" });
  expect(reply.status).toBe(200);
  expect(daemon.read("/srv/twice").equals(Buffer.concat([noise(500_000), noise(500_000)]))).toBe(true);
});

test("a file that does not know its size is read to its end", async () => {
  put("/srv/before", "before\n");
  const version = daemon.read("/proc/version").toString();
  const reply = await compose({ source_paths: ["/srv/before", "/proc/version"], destination: "/srv/proc" });
  expect([reply.status, daemon.read("/srv/proc").toString()]).toEqual([200, `before\n${version}`]);
});

test.each([
  [{ source_paths: [], destination: "x" }, "source_paths must not be empty"],
  [{ destination: "x" }, "source_paths must not be empty"],
  [{ source_paths: null, destination: "x" }, "source_paths must not be empty"],
  [{ source_paths: ["a"], destination: "" }, "destination is required"],
  [{ source_paths: ["a"] }, "destination is required"],
  ["{not json", "invalid request body: "],
  ["", "invalid request body: "],
  ["[]", "invalid request body: "],
  [{ source_paths: "a", destination: "x" }, "invalid request body: "],
  [{ source_paths: [1], destination: "x" }, "invalid request body: "],
  [{ source_paths: ["a"], destination: "x", username: 1 }, "invalid request body: "],
  [{ source_paths: ["a"], destination: "~ghost/x" }, "error resolving destination path: "],
  [{ source_paths: ["~ghost/x"], destination: "x" }, "error resolving source path \"~ghost/x\": "],
])("CMP-02: %j", async (request, message) => {
  const reply = await compose(request);
  expect(reply.status).toBe(400);
  expect(reply.message).toStartWith(message);
});

test("CMP-03: a source that is the destination", async () => {
  put("/root/same", "kept");
  const reply = await compose({ source_paths: ["same"], destination: "/root/same" });
  expect([reply.status, reply.message]).toEqual([400, 'source path "same" cannot be the same as destination']);
  expect(daemon.read("/root/same").toString()).toBe("kept");
});

test("a source that is the destination by another name is not removed", async () => {
  mkdirSync(path("/srv/three"));
  symlinkSync("three", path("/srv/three-link"));
  put("/srv/three/whole", "first, ");
  put("/srv/three/part", "second");
  const reply = await compose({ source_paths: ["/srv/three-link/whole", "/srv/three/part"], destination: "/srv/three/whole" });
  expect([reply.status, readdirSync(path("/srv/three"))]).toEqual([200, ["whole"]]);
  expect(daemon.read("/srv/three/whole").toString()).toBe("first, second");
});

test("CMP-04: a source that is missing", async () => {
  mkdirSync(path("/srv/four"));
  put("/srv/four/first", "first");
  put("/srv/four/destination", "kept");
  const reply = await compose({ source_paths: ["/srv/four/first", "/srv/four/missing"], destination: "/srv/four/destination" });
  expect([reply.status, reply.message]).toEqual([404, "source file not found: /srv/four/missing"]);
  expect(readdirSync(path("/srv/four")).toSorted()).toEqual(["destination", "first"]);
  expect(daemon.read("/srv/four/destination").toString()).toBe("kept");
  expect((await compose({ source_paths: ["/srv/four/a\u0000"], destination: "/srv/four/x" })).status).toBe(404);
});

test("CMP-05: a directory", async () => {
  const reply = await compose({ source_paths: ["/srv"], destination: "/srv/x" });
  expect([reply.status, reply.message]).toEqual([400, "source path is not a regular file: /srv"]);
});

test("CMP-06: parents are made", async () => {
  put("/srv/six", "six");
  expect((await compose({ source_paths: ["/srv/six"], destination: "new/a/b", username: "user" })).status).toBe(200);
  expect(daemon.read("/home/user/new/a/b").toString()).toBe("six");
  expect(statSync(path("/home/user/new")).uid).toBe(1000);
  put("/srv/six", "six");
  const below = await compose({ source_paths: ["/srv/six"], destination: "new/a/b/c", username: "user" });
  expect([below.status, below.message]).toEqual([500, "error ensuring directories: path is a file: /home/user/new/a/b"]);
  expect(existsSync(path("/srv/six"))).toBe(true);
});

test("CMP-07: a destination is replaced in one step, a link itself", async () => {
  put("/srv/seven", "before");
  chmodSync(path("/srv/seven"), 0o600);
  symlinkSync("seven", path("/srv/seven-link"));
  put("/srv/source", "after");
  expect((await compose({ source_paths: ["/srv/source"], destination: "/srv/seven-link" })).status).toBe(200);
  expect(lstatSync(path("/srv/seven-link")).isSymbolicLink()).toBe(false);
  expect([daemon.read("/srv/seven-link").toString(), daemon.read("/srv/seven").toString()]).toEqual(["after", "before"]);
  put("/srv/source", "again");
  const before = statSync(path("/srv/seven")).ino;
  expect((await compose({ source_paths: ["/srv/source"], destination: "/srv/seven" })).status).toBe(200);
  expect(daemon.read("/srv/seven").toString()).toBe("again");
  expect(statSync(path("/srv/seven")).ino).not.toBe(before);
});

test("a destination that is a directory stays, and so do the sources", async () => {
  mkdirSync(path("/srv/taken"));
  put("/srv/source", "kept");
  const reply = await compose({ source_paths: ["/srv/source"], destination: "/srv/taken" });
  expect(reply.status).toBe(500);
  expect(reply.message).toStartWith("error finalizing compose: ");
  expect([daemon.read("/srv/source").toString(), temporaries("/srv")]).toEqual(["kept", []]);
});

test("CMP-08: a full disk", async () => {
  put("/srv/eight", noise(2_000_000));
  put("/srv/small/destination", "kept");
  const reply = await compose({ source_paths: ["/srv/eight"], destination: "/srv/small/destination" });
  expect([reply.status, reply.message]).toEqual([507, "not enough disk space available"]);
  expect(readdirSync(path("/srv/small"))).toEqual(["destination"]);
  expect([daemon.read("/srv/small/destination").toString(), statSync(path("/srv/eight")).size]).toEqual(["kept", 2_000_000]);
});

test("CMP-09: an unknown user", async () => {
  const reply = await compose({ source_paths: ["a"], destination: "x", username: "ghost" });
  expect([reply.status, reply.message]).toEqual([401, "error looking up user 'ghost': user: unknown user ghost"]);
  expect((await compose({ source_paths: ["a"], destination: "x", username: "" })).status).toBe(401);
});

test("a client that leaves ends it, and others are served meanwhile", async () => {
  put("/srv/huge", "");
  // Read and written, being on another file system: long enough to be left in the middle.
  truncateSync(path("/srv/huge"), 3_000_000_000);
  const before = daemon.descriptors();
  for (const leaves of [true, false]) {
    const peer = await Peer.connect(daemon.port);
    await peer.send(requestBytes("POST", "/files/compose", { body: JSON.stringify({ source_paths: ["/srv/huge"], destination: "/srv/other/huge" }) }));
    await until("the copy begins", 20, () => temporaries("/srv/other").length === 1);
    expect((await ask(daemon.port, "GET", "/health")).status).toBe(200);
    expect(temporaries("/srv/other")).toHaveLength(1);
    if (leaves) peer.leave();
    else peer.end();
    await until("nothing is left of it", 20, () => temporaries("/srv/other").length === 0 && daemon.descriptors() <= before);
  }
  expect([existsSync(path("/srv/other/huge")), existsSync(path("/srv/huge"))]).toEqual([false, true]);
});
