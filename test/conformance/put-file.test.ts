// Uploads that succeed: what is stored, where, with which permissions, and how it gets there.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Agent, hangLimit } from "../agent.ts";
import { lastReply, putRequest, type PutOptions } from "../client.ts";
import { scale } from "../host.ts";
import { noise, sha256, temporaries } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameLimit, frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

const text = Buffer.from("some content\0\xff\n", "latin1");

async function stored(path: string, content: Uint8Array, options: PutOptions = {}): Promise<Buffer> {
  const { object } = await agent.client.put(path, content, options);
  expect(object).toEqual({ ok: true });
  return readFileSync(join(agent.directory, path));
}

function permissions(path: string): number {
  return statSync(join(agent.directory, path)).mode & 0o7777;
}

describe("content", () => {
  test("of 0 bytes, with the host's EOF frame and without", async () => {
    expect(await stored("empty", Buffer.alloc(0))).toHaveLength(0);
    expect(await stored("empty-too", Buffer.alloc(0), { eof: false })).toHaveLength(0);
  });

  test("of absent size is empty", async () => {
    const { object } = await agent.client.ask({ op: "put_file", path: agent.path("no-size") });
    expect(object).toEqual({ ok: true });
    expect(readFileSync(agent.path("no-size"))).toHaveLength(0);
  });

  test("of a large file has the right hash", async () => {
    const content = noise(scale.file);
    expect(sha256(await stored("large", content))).toBe(sha256(content));
  });

  test.each([1, 7, 1000, 65_536, 100_000, 1_000_000])("comes in frames of %d bytes", async (chunk) => {
    const content = noise(Math.min(chunk * 500, 2_000_000), chunk);
    expect((await stored("pieces", content, { chunk })).equals(content)).toBe(true);
  });

  test("comes in one frame of exactly 16 MiB", async () => {
    const content = noise(frameLimit, 3);
    expect((await stored("one-frame", content, { chunk: frameLimit })).equals(content)).toBe(true);
  });

  test("may have empty DATA frames within", async () => {
    const peer = await agent.client.open(putRequest("gaps", 4));
    const frames = ["", "ab", "", "", "cd"].map((part) => frame(frameType.data, part));
    await peer.send(Buffer.concat(frames));
    expect((await lastReply(peer)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("gaps"), "utf8")).toBe("abcd");
  });

  test("is answered without the host's EOF frame", async () => {
    expect(await stored("no-eof", text, { eof: false })).toEqual(text);
  });

  test("of a frame that overshoots counts whole", async () => {
    expect(await stored("overshoot", Buffer.from("12345678"), { size: 5 })).toEqual(Buffer.from("12345678"));
  });

  test("that ends early with EOF is stored as it is", async () => {
    expect(await stored("short", text, { size: 1000 })).toEqual(text);
    expect(await stored("shorter", Buffer.alloc(0), { size: 1000 })).toHaveLength(0);
  });
});

describe("size", () => {
  const content = Buffer.from("abcd");

  test("as a float is truncated", async () => {
    expect(await stored("float", content, { size: 4.9, eof: false })).toEqual(content);
    const peer = await agent.client.open('{"op": "put_file", "path": "float-text", "size": 4.0}');
    await peer.send(frame(frameType.data, content));
    expect((await lastReply(peer)).object).toEqual({ ok: true });
  });

  test("as a numeric string is accepted", async () => {
    expect(await stored("numeric", content, { size: "4", eof: false })).toEqual(content);
  });

  test.each([-1, -5, -4.5, "-3"])("%j counts as 0", async (size) => {
    expect(await stored("negative", Buffer.alloc(0), { size, eof: false })).toHaveLength(0);
  });
});

describe("mode", () => {
  test.each(["600", "755", "4755", "2640", "1777", "400", "0"])("%s is set whatever the umask", async (octal) => {
    const mode = Number.parseInt(octal, 8);
    await stored("moded", text, { mode });
    expect(permissions("moded")).toBe(mode);
  });

  test("null or absent leaves 0600", async () => {
    await stored("null-mode", text, { mode: null });
    await stored("no-mode", text);
    expect([permissions("null-mode"), permissions("no-mode")]).toEqual([0o600, 0o600]);
  });

  test("of the file that was there is not kept", async () => {
    writeFileSync(agent.path("was-open"), "old", { mode: 0o666 });
    await stored("was-open", text);
    expect(permissions("was-open")).toBe(0o600);
  });
});

describe("path", () => {
  test("absolute", async () => {
    expect((await agent.client.put(agent.path("absolute"), text)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("absolute"))).toEqual(text);
  });

  test.each(["relative", "./dotted", "sub/inner", "sub/../sub/./again", "sub//doubled"])("%s is taken from the agent's directory", async (path) => {
    mkdirSync(agent.path("sub"), { recursive: true });
    expect(await stored(path, text)).toEqual(text);
  });

  test("a/../b is b though there is no a", async () => {
    expect((await agent.client.put("missing/../there", text)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("there"))).toEqual(text);
  });

  test("symlink/../b is b beside the symlink", async () => {
    mkdirSync(agent.path("deep/er"), { recursive: true });
    symlinkSync(agent.path("deep/er"), agent.path("link"));
    expect((await agent.client.put("link/../beside", text)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("beside"))).toEqual(text);
  });

  test("../ beyond the root stays there", async () => {
    const path = `/../../..${agent.path("from-root")}`;
    expect((await agent.client.put(path, text)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("from-root"))).toEqual(text);
  });

  const names: [string, string][] = [
    ["of 255 bytes", "n".repeat(255)],
    ["beyond ASCII", "é € 😀"],
    ["with a newline and quotes", "a\n'b' \"c\""],
  ];
  test.each(names)("a name %s", async (_, name) => {
    expect(await stored(name, text)).toEqual(text);
  });

  test("a lone surrogate becomes U+FFFD", async () => {
    expect((await agent.client.ask('{"op": "put_file", "path": "lone-\\ud800", "size": 0}')).object).toEqual({ ok: true });
    expect(statSync(agent.path("lone-\ufffd")).size).toBe(0);
  });
});

describe("target", () => {
  test("keeps its old content for readers until the rename", async () => {
    writeFileSync(agent.path("target"), "old", { mode: 0o644 });
    const inode = statSync(agent.path("target")).ino;
    const peer = await agent.client.open(putRequest(agent.path("target"), 8, { mode: 0o644 }));
    await peer.send(frame(frameType.data, "new "));
    await until("the temporary holds the first half", 5, () => halfWritten().length === 1);
    const temporary = agent.path(temporaries(agent.directory)[0] ?? "");
    expect(dirname(temporary)).toBe(agent.directory);
    expect(statSync(temporary).mode & 0o7777).toBe(0o600);
    expect(readFileSync(agent.path("target"), "utf8")).toBe("old");
    await peer.send(frame(frameType.data, "text"));
    expect((await lastReply(peer)).object).toEqual({ ok: true });
    expect(readFileSync(agent.path("target"), "utf8")).toBe("new text");
    expect(statSync(agent.path("target")).ino).not.toBe(inode);
    expect(permissions("target")).toBe(0o644);
  });

  function halfWritten(): string[] {
    return temporaries(agent.directory).filter((name) => statSync(agent.path(name)).size === 4);
  }

  test("that is a symlink is replaced, not followed", async () => {
    writeFileSync(agent.path("pointed-to"), "untouched");
    symlinkSync("pointed-to", agent.path("pointer"));
    await stored("pointer", text);
    expect(lstatSync(agent.path("pointer")).isFile()).toBe(true);
    expect(readFileSync(agent.path("pointed-to"), "utf8")).toBe("untouched");
  });

  test("written by many at once is one of them whole", async () => {
    const contents = Array.from({ length: 20 }, (_, i) => noise(300_000, i + 1));
    const replies = await Promise.all(contents.map((content) => agent.client.put("contended", content)));
    for (const { object } of replies) expect(object).toEqual({ ok: true });
    expect(contents.map(sha256)).toContain(sha256(readFileSync(agent.path("contended"))));
  });
});

test("nothing is left behind", async () => {
  await agent.settled();
  expect(temporaries(agent.directory)).toEqual([]);
});
