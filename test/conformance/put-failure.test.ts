// Uploads that fail: the payload is drained, the reply is read in order, nothing is left behind.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { Client, lastReply, putRequest } from "../client.ts";
import { freePort } from "../port.ts";
import { noise, temporaries, withTmpfs } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameLimit, frameType, header, type Json } from "../wire.ts";

const tcpPort = freePort();

setDefaultTimeout(hangLimit);

let agent: Agent;
let tcp: Client;
beforeAll(async () => {
  const agentSocket = "agent.sock"; // relative to the agent's directory
  agent = await Agent.start({ args: ["--listen", `unix:${agentSocket}`, "--listen", `tcp:127.0.0.1:${tcpPort}`], listeners: 2 });
  tcp = new Client({ hostname: "127.0.0.1", port: tcpPort });
});
afterAll(() => agent.stop());

const payload = noise(5_000_000);

/** Uploads 5 MB, reading nothing meanwhile, and expects this error, over both transports. */
async function expectRefusal(path: Json, error: RegExp): Promise<void> {
  for (const client of [agent.client, tcp]) {
    const peer = await client.open({ op: "put_file", v: 1, path, size: payload.length });
    try {
      for (let at = 0; at < payload.length; at += 65_536) {
        expect(await peer.send(frame(frameType.data, payload.subarray(at, at + 65_536)))).toBe(true);
      }
      await peer.send(frame(frameType.eof));
      const { object } = await lastReply(peer);
      expect(object).toEqual({ ok: false, error: expect.stringMatching(error) });
    } finally {
      peer.close();
    }
  }
}

describe("path", () => {
  test.each([null, ""])("%j is missing, the payload is drained", (path) => expectRefusal(path, /^missing 'path'$/));

  test("absent is missing", async () => {
    const peer = await agent.client.open({ op: "put_file", size: 4 });
    await peer.send(frame(frameType.data, "1234"));
    expect((await lastReply(peer)).object).toEqual({ ok: false, error: "missing 'path'" });
  });

  const wrong: [string, Json][] = [["a number", 5], ["a list", ["f"]], ["a NUL in it", "a\0b"]];
  test.each(wrong)("that is %s fails with a reply, and the agent goes on", async (_, path) => {
    const { object } = await agent.client.ask({ op: "put_file", path, size: 0 });
    expect(object.ok).toBe(false);
    expect(object.error).toEqual(expect.any(String));
    await agent.client.ping();
  });
});

describe("target", () => {
  test("that is a directory", async () => {
    mkdirSync(agent.path("directory"));
    await expectRefusal("directory", /directory/i);
    expect(readdirSync(agent.path("directory"))).toEqual([]);
  });

  test("whose parent is missing", () =>
    expectRefusal(agent.path("missing/file"), /^cannot create file: \[Errno 2\] No such file or directory: '\/.*'$/));

  test("whose parent is a file", async () => {
    writeFileSync(agent.path("file"), "");
    await expectRefusal("file/inner", /^cannot create file: \[Errno 20\] Not a directory: '\/.*'$/);
  });

  test("with a name longer than the file system takes", async () => {
    const { object } = await agent.client.put("n".repeat(256), Buffer.from("x"));
    expect(object).toEqual({ ok: false, error: expect.stringMatching(/\[Errno 36\] File name too long/) });
    expect(temporaries(agent.directory)).toEqual([]);
  });

  test("that is the root", () => expectRefusal("/", /./));

  test("in a directory the agent may not write to", async () => {
    const launcher = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]; // root without its powers
    await Agent.with({ launcher }, async (weak) => {
      mkdirSync(weak.path("closed"));
      chmodSync(weak.path("closed"), 0o555);
      const { object } = await weak.client.put("closed/file", payload);
      expect(object).toEqual({ ok: false, error: expect.stringMatching(/^cannot create file: \[Errno 13\] Permission denied: '\/.*'$/) });
    });
  });

  test("on a read-only file system", async () => {
    mkdirSync(agent.path("read-only"));
    await withTmpfs(agent.path("read-only"), "size=8m", async (remount) => {
      writeFileSync(agent.path("read-only/file"), "old");
      remount("ro");
      await expectRefusal(agent.path("read-only/file"), /^cannot create file: \[Errno 30\] Read-only file system: '\/.*'$/);
      expect(readFileSync(agent.path("read-only/file"), "utf8")).toBe("old");
    });
  });

  test("on a full disk", async () => {
    mkdirSync(agent.path("small"));
    await withTmpfs(agent.path("small"), "size=1m", async () => {
      writeFileSync(agent.path("small/file"), "old");
      await expectRefusal(agent.path("small/file"), /^\[Errno 28\] No space left on device/);
      expect(readFileSync(agent.path("small/file"), "utf8")).toBe("old");
      expect(readdirSync(agent.path("small"))).toEqual(["file"]);
      expect((await agent.client.put("small/fits", Buffer.alloc(100_000))).object).toEqual({ ok: true });
    });
  });
});

test("a file beyond the agent's size limit fails, and the agent goes on", async () => {
  await Agent.with({ launcher: ["prlimit", "--fsize=1000000"] }, async (limited) => {
    const { object } = await limited.client.put("beyond", payload);
    expect(object).toEqual({ ok: false, error: expect.stringMatching(/^\[Errno 27\] File too large/) });
    expect(temporaries(limited.directory)).toEqual([]);
  });
});

describe("size or mode", () => {
  const wrong: [string, Json, Json][] = [
    ["a word as size", "many", null],
    ["a list as size", [1], null],
    ["an empty size", "", null],
    ["a word as mode", 0, "rwx"],
    ["a list as mode", 0, [1]],
  ];
  test.each(wrong)("%s fails with a reply, and the agent goes on", async (_, size, mode) => {
    writeFileSync(agent.path("kept"), "old");
    const { object } = await agent.client.ask({ op: "put_file", path: "kept", size, mode });
    expect(object).toEqual({ ok: false, error: expect.stringMatching(/^agent error: ./) });
    expect(readFileSync(agent.path("kept"), "utf8")).toBe("old");
    expect(temporaries(agent.directory)).toEqual([]);
  });
});

describe("frame of another type during the upload", () => {
  test.each([0, 1, 2, 3, 6, 255])("type %d", async (type) => {
    for (const client of [agent.client, tcp]) {
      writeFileSync(agent.path("kept"), "old");
      const peer = await client.open(putRequest(agent.path("kept"), 100_000));
      await peer.send(frame(frameType.data, "half"));
      await peer.send(Buffer.concat([frame(type, "{}"), frame(frameType.data, payload.subarray(0, 50_000)), frame(frameType.eof)]));
      expect((await lastReply(peer)).object).toEqual({ ok: false, error: `unexpected frame type ${type} during upload` });
      expect(readFileSync(agent.path("kept"), "utf8")).toBe("old");
      expect(temporaries(agent.directory)).toEqual([]);
    }
  });
});

test("a DATA frame above 16 MiB drops the connection, the target untouched", async () => {
  writeFileSync(agent.path("kept"), "old");
  const peer = await agent.client.open(putRequest("kept", 2 * frameLimit));
  await peer.send(frame(frameType.data, "half"));
  await peer.send(header(frameType.data, frameLimit + 1));
  await peer.ending();
  expect(peer.received).toBe(0);
  await until("the temporary is gone", 1, () => temporaries(agent.directory).length === 0);
  expect(readFileSync(agent.path("kept"), "utf8")).toBe("old");
});

describe("the reply reaches a host whose EOF frame is still unread", () => {
  const transports: [string, () => Client][] = [["unix", () => agent.client], ["tcp", () => tcp]];
  test.each(transports)("over %s, 300 times", async (_, client) => {
    for (let round = 0; round < 300; round++) {
      const peer = await client().connect();
      const value = JSON.stringify(putRequest("quick", 4));
      await peer.send(Buffer.concat([frame(frameType.json, value), frame(frameType.data, "1234"), frame(frameType.eof)]));
      expect((await lastReply(peer)).object).toEqual({ ok: true });
    }
  });
});

test("nothing is left behind", async () => {
  await agent.settled();
  expect(temporaries(agent.directory)).toEqual([]);
});
