// Downloads: header, content, EOF; refusals before any header; files that change meanwhile.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { fileContent, jsonFrame } from "../client.ts";
import { scale } from "../host.ts";
import { makeFifo, noise, sha256 } from "../scratch.ts";
import type { Json } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

describe("file", () => {
  test("of a large size has the right hash", async () => {
    const content = noise(scale.file, 5);
    writeFileSync(agent.path("large"), content);
    const result = await agent.client.get(agent.path("large"));
    expect(result.header).toEqual({ ok: true, mode: 0o644, size: content.length });
    expect(sha256(result.content)).toBe(sha256(content));
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 200_000])("of %d bytes", async (size) => {
    const content = noise(size, 9);
    writeFileSync(agent.path("sized"), content);
    const result = await agent.client.get(agent.path("sized"));
    expect(result.header.size).toBe(size);
    expect(result.content.equals(content)).toBe(true);
  });

  test.each(["644", "600", "4755", "2750", "1777", "400"])("mode %s is in the header", async (octal) => {
    const mode = Number.parseInt(octal, 8);
    writeFileSync(agent.path("moded"), "x");
    chmodSync(agent.path("moded"), mode);
    expect((await agent.client.get(agent.path("moded"))).header.mode).toBe(mode);
  });

  test("is taken from the agent's directory where relative", async () => {
    writeFileSync(agent.path("relative"), "here");
    expect((await agent.client.get("relative")).content.toString()).toBe("here");
  });

  test("is found through a symlink", async () => {
    writeFileSync(agent.path("real"), "real");
    symlinkSync("real", agent.path("symlink"));
    expect((await agent.client.get(agent.path("symlink"))).content.toString()).toBe("real");
  });

  test("has a name beyond ASCII", async () => {
    writeFileSync(agent.path("é 😀"), "named");
    expect((await agent.client.get(agent.path("é 😀"))).content.toString()).toBe("named");
  });

  test.each(["/proc/version", "/proc/cpuinfo", "/proc/self/mounts"])("%s of size 0 is sent whole", async (path) => {
    const result = await agent.client.get(path);
    expect(result.header.size).toBe(0);
    expect(result.content.length).toBeGreaterThan(0);
    if (path !== "/proc/self/mounts") expect(result.content.toString()).toBe(readFileSync(path, "utf8"));
  });

  test("is read once by each of many hosts", async () => {
    const content = noise(3_000_000, 11);
    writeFileSync(agent.path("popular"), content);
    const results = await Promise.all(Array.from({ length: 20 }, () => agent.client.get(agent.path("popular"))));
    for (const result of results) expect(result.content.equals(content)).toBe(true);
  });
});

describe("refused before any header", () => {
  const errno = (number: number, text: string) => (path: string) => `[Errno ${number}] ${text}: '${path}'`;
  const regular = () => "not a regular file";
  const refusals: [string, string, (path: string) => string][] = [
    ["missing", "missing", errno(2, "No such file or directory")],
    ["in a missing directory", "missing/file", errno(2, "No such file or directory")],
    ["beneath a file", "plain/file", errno(20, "Not a directory")],
    ["a dangling symlink", "dangling", errno(2, "No such file or directory")],
    ["a symlink to itself", "loop", errno(40, "Too many levels of symbolic links")],
    ["with too long a name", "n".repeat(256), errno(36, "File name too long")],
    ["a directory", "directory", regular],
    ["a FIFO nobody writes to", "fifo", regular],
    ["a socket", "agent.sock", regular],
  ];

  beforeAll(() => {
    writeFileSync(agent.path("plain"), "");
    symlinkSync("nowhere", agent.path("dangling"));
    symlinkSync("loop", agent.path("loop"));
    mkdirSync(agent.path("directory"));
    makeFifo(agent.path("fifo"));
  });

  test.each(refusals)("%s", async (_, name, error) => {
    const path = agent.path(name);
    const { object } = await agent.client.ask({ op: "get_file", v: 1, path });
    expect(object).toEqual({ ok: false, error: error(path) });
  });

  test.each(["/dev/null", "/dev/zero", "/dev"])("%s", async (path) => {
    const { object } = await agent.client.ask({ op: "get_file", v: 1, path });
    expect(object).toEqual({ ok: false, error: "not a regular file" });
  });

  test("a quote in the name is shown as Python shows it", async () => {
    const { object } = await agent.client.ask({ op: "get_file", path: "/no/it's" });
    expect(object.error).toBe(`[Errno 2] No such file or directory: "/no/it's"`);
  });

  test("unreadable", async () => {
    const launcher = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]; // root without its powers
    await Agent.with({ launcher }, async (weak) => {
      const path = weak.path("unreadable");
      writeFileSync(path, "secret");
      chmodSync(path, 0);
      const { object } = await weak.client.ask({ op: "get_file", path });
      expect(object).toEqual({ ok: false, error: `[Errno 13] Permission denied: '${path}'` });
    });
  });

  test.each(['{"op": "get_file"}', '{"op": "get_file", "path": ""}', '{"op": "get_file", "path": null}'])("%s lacks its path", async (text) => {
    expect((await agent.client.ask(text)).object).toEqual({ ok: false, error: "missing 'path'" });
  });

  const wrong: [string, Json][] = [["a list", ["f"]], ["an object", { a: 1 }], ["1.5", 1.5], ["a NUL in it", "a\0b"]];
  test.each(wrong)("path that is %s fails with a reply, and the agent goes on", async (_, path) => {
    const { object } = await agent.client.ask({ op: "get_file", path });
    expect(object.ok).toBe(false);
    expect(object.error).toEqual(expect.any(String));
    await agent.client.ping();
  });
});

describe("meanwhile", () => {
  const size = 8_000_000;

  /** Starts a download, lets the agent run into the full socket, changes the file, reads the rest. */
  async function downloadWhile(change: (path: string) => void): Promise<Buffer> {
    const path = agent.path("changing");
    writeFileSync(path, noise(size, 13));
    const peer = await agent.client.open({ op: "get_file", path });
    expect((await jsonFrame(peer)).object).toEqual({ ok: true, mode: 0o644, size });
    change(path);
    const parts: Buffer[] = [];
    await fileContent(peer, (payload) => parts.push(payload));
    return Buffer.concat(parts);
  }

  test("truncated: what is there is sent, then EOF", async () => {
    const content = await downloadWhile((path) => truncateSync(path, 5_000_000));
    expect(content.length).toBe(5_000_000);
    expect(content.equals(noise(size, 13).subarray(0, 5_000_000))).toBe(true);
  });

  test("truncated to nothing: what was read before is sent, then EOF", async () => {
    const content = await downloadWhile((path) => truncateSync(path, 0));
    expect(content.length).toBeLessThan(size);
    expect(content.equals(noise(size, 13).subarray(0, content.length))).toBe(true);
  });

  test("growing: what was added is sent too", async () => {
    const content = await downloadWhile((path) => appendFileSync(path, "the end"));
    expect(content.length).toBe(size + 7);
    expect(content.subarray(size).toString()).toBe("the end");
  });

  test("replaced by another: the one that was opened is sent", async () => {
    const other = Buffer.alloc(size, 1);
    const content = await downloadWhile(() => {
      writeFileSync(agent.path("other"), other);
      Bun.spawnSync(["mv", agent.path("other"), agent.path("changing")]);
    });
    expect(content.equals(noise(size, 13))).toBe(true);
  });
});

test("a read error drops the connection after the header, or is the reply before it", async () => {
  const peer = await agent.client.open({ op: "get_file", path: "/proc/self/mem" }); // nothing is mapped at 0
  const { object } = await jsonFrame(peer);
  if (object.ok !== true) expect(object).toEqual({ ok: false, error: expect.stringMatching(/^\[Errno 5\] Input\/output error/) });
  await peer.ending();
  await agent.client.ping();
});

test("a reader that stops costs no memory", async () => {
  truncateSync(agent.path("plain"), 1_000_000_000); // a hole
  const before = agent.memory().rss;
  const peer = await agent.client.open({ op: "get_file", path: agent.path("plain") });
  expect((await jsonFrame(peer)).object.size).toBe(1_000_000_000);
  await peer.frame();
  await agent.client.ping();
  expect(agent.memory().rss - before).toBeLessThan(scale.growth);
  peer.close();
});

test("nothing is left behind", () => agent.settled());
