// ping, and what every request says first: its protocol version and its operation.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { frame, frameType, request } from "../wire.ts";
import { lastReply } from "../client.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

describe("ping", () => {
  test("answers pong, the agent's version and protocol 1", async () => {
    const { object } = await agent.client.ask({ op: "ping", v: 1 });
    expect(object).toEqual({ ok: true, op: "pong", agent_version: expect.any(String), proto: 1 });
    expect(object.agent_version).not.toBe("");
  });

  test("many at once are all answered", async () => {
    await Promise.all(Array.from({ length: 100 }, () => agent.client.ping()));
  });

  test("only the first request of a connection is answered, and nothing follows", async () => {
    const peer = await agent.client.connect();
    await peer.send(Buffer.concat([request({ op: "ping" }), request({ op: "ping" })]));
    expect((await lastReply(peer)).object.op).toBe("pong");
  });

  test("is answered after the host has closed its sending side", async () => {
    const peer = await agent.client.open({ op: "ping" });
    peer.endSending();
    expect((await lastReply(peer)).object.op).toBe("pong");
  });

  test("takes a request that arrives one byte at a time", async () => {
    const peer = await agent.client.connect();
    for (const byte of request({ op: "ping" })) await peer.send(Uint8Array.of(byte));
    expect((await lastReply(peer)).object.op).toBe("pong");
  });
});

describe("protocol version", () => {
  const accepted = ["", ', "v": null', ', "v": 1', ', "v": 1.0', ', "v": true', ', "v": 1e0'];
  test.each(accepted)('{"op": "ping"%s} is accepted', async (version) => {
    const { object } = await agent.client.ask(`{"op": "ping"${version}}`);
    expect(object.op).toBe("pong");
  });

  const refused: [string, string][] = [
    ["0", "0"],
    ["2", "2"],
    ["999", "999"],
    ['"1"', "1"],
    ["-1", "-1"],
    ["false", "False"],
    ["1.5", "1.5"],
    ["2.0", "2.0"],
    ["9007199254740993", "9007199254740993"],
    ['""', ""],
    ["[1]", "[1]"],
    ["{}", "{}"],
  ];
  test.each(refused)("v %s is refused", async (version, text) => {
    const { object } = await agent.client.ask(`{"op": "ping", "v": ${version}}`);
    expect(object).toEqual({ ok: false, error: `unsupported protocol version ${text}` });
  });

  test("is looked at before the operation", async () => {
    const { object } = await agent.client.ask({ op: "frobnicate", v: 2 });
    expect(object.error).toBe("unsupported protocol version 2");
  });
});

describe("operation", () => {
  const unknown: [string, string][] = [
    ['"frobnicate"', "'frobnicate'"],
    ["null", "None"],
    ["3", "3"],
    ["3.0", "3.0"],
    ["true", "True"],
    ["false", "False"],
    ['""', "''"],
    ['"PING"', "'PING'"],
    [`"it's"`, `"it's"`],
    [`"it's \\"so\\""`, `'it\\'s "so"'`],
    ['"a\\nb\\t\\\\"', "'a\\nb\\t\\\\'"],
    ['"\\u0000\\u007f"', "'\\x00\\x7f'"],
    ['"\\u00e9\\ud83d\\ude00"', "'é😀'"],
    ["[1, null]", "[1, None]"],
    ["{}", "{}"],
  ];
  test.each(unknown)("op %s is unknown", async (op, repr) => {
    const { object } = await agent.client.ask(`{"v": 1, "op": ${op}}`);
    expect(object).toEqual({ ok: false, error: `unknown op ${repr}` });
  });

  test("a missing one is None", async () => {
    const { object } = await agent.client.ask({ v: 1 });
    expect(object).toEqual({ ok: false, error: "unknown op None" });
  });
});

describe("keys", () => {
  test("unknown ones are ignored", async () => {
    const { object } = await agent.client.ask({ op: "ping", v: 1, "": 0, extra: [{ op: "run" }], cmd: "exit 1" });
    expect(object.op).toBe("pong");
  });

  test("of duplicate ones the last wins", async () => {
    expect((await agent.client.ask('{"op": "nope", "op": "ping"}')).object.op).toBe("pong");
    expect((await agent.client.ask('{"op": "ping", "op": "nope"}')).object.error).toBe("unknown op 'nope'");
    expect((await agent.client.ask('{"v": 2, "op": "ping", "v": 1}')).object.op).toBe("pong");
  });

  test("may be written with escapes", async () => {
    expect((await agent.client.ask('{"\\u006fp": "p\\u0069ng"}')).object.op).toBe("pong");
  });
});

test("a reply is one JSON frame of UTF-8 text", async () => {
  const peer = await agent.client.connect();
  await peer.send(frame(frameType.json, '{"op": "ping"}'));
  const reply = await peer.frame();
  expect(reply?.type).toBe(frameType.json);
  expect(await peer.ending()).toBe("eof");
});

test("nothing is left behind", () => agent.settled());
