// Frames and JSON texts the agent must take, and those on which it closes without a word.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { lastReply } from "../client.ts";
import type { Peer } from "../peer.ts";
import { until } from "../until.ts";
import { frame, frameLimit, frameType, header, request } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

/** Sends the bytes and expects the agent to close of its own accord, having said nothing. */
async function expectSilence(bytes: Uint8Array, then: (peer: Peer) => void = () => {}): Promise<void> {
  const peer = await agent.client.connect();
  await peer.send(bytes);
  then(peer);
  await peer.ending(); // an early close may well be a reset: bytes of ours were not read
  expect(peer.received).toBe(0);
  peer.close();
}

describe("first frame", () => {
  test.each([0, 2, 3, 4, 5, 6, 127, 255])("of type %d: closed silently", async (type) => {
    await expectSilence(frame(type, '{"op": "ping"}'));
    await expectSilence(header(type, 0));
  });

  test("of type JSON and no bytes: closed silently", () => expectSilence(header(frameType.json, 0)));

  test("above 16 MiB: closed before its payload comes", async () => {
    await expectSilence(header(frameType.json, frameLimit + 1));
    await expectSilence(header(frameType.json, 0x7fff_ffff));
    await expectSilence(header(frameType.json, 0x8000_0000));
    await expectSilence(header(frameType.json, 0xffff_ffff));
  });

  test("of exactly 16 MiB is accepted", async () => {
    const text = '{"op": "ping"}';
    const { object } = await agent.client.ask(text.padEnd(frameLimit));
    expect(object.op).toBe("pong");
  });

  test("of 16 MiB and one byte is refused", async () => {
    await expectSilence(request('{"op": "ping"}'.padEnd(frameLimit + 1)));
  });

  test("an announced length costs no memory before its bytes come", async () => {
    const before = agent.memory().rss;
    const peers = await Promise.all(Array.from({ length: 100 }, () => agent.client.connect()));
    for (const peer of peers) await peer.send(header(frameType.json, frameLimit));
    await agent.client.ping();
    expect(agent.memory().rss - before).toBeLessThan(4 * frameLimit);
    for (const peer of peers) peer.close();
  });
});

describe("connection that ends early: closed silently", () => {
  const whole = request({ op: "ping" });
  test.each([0, 1, 4, 5, 6, whole.length - 1])("after %d bytes", async (count) => {
    await expectSilence(whole.subarray(0, count), (peer) => peer.endSending());
  });
});

describe("JSON text refused: closed silently", () => {
  const texts: [string, string | Uint8Array][] = [
    ["an array", "[]"],
    ["a string", '"ping"'],
    ["a number", "1"],
    ["null", "null"],
    ["white space", "  "],
    ["an open object", '{"op": "ping"'],
    ["two values", '{"op": "ping"} {}'],
    ["a comma before the end", '{"op": "ping",}'],
    ["a key without quotes", '{op: "ping"}'],
    ["single quotes", "{'op': 'ping'}"],
    ["a comment", '{"op": "ping" /* */}'],
    ["NaN", '{"op": "ping", "x": NaN}'],
    ["Infinity", '{"op": "ping", "x": Infinity}'],
    ["-Infinity", '{"op": "ping", "x": -Infinity}'],
    ["a leading zero", '{"op": "ping", "x": 01}'],
    ["a bare point", '{"op": "ping", "x": 1.}'],
    ["a plus sign", '{"op": "ping", "x": +1}'],
    ["a raw newline in a string", '{"op": "ping", "x": "\n"}'],
    ["an unknown escape", '{"op": "ping", "x": "\\x41"}'],
    ["a short \\u escape", '{"op": "ping", "x": "\\u12"}'],
    ["a NUL byte at the end", '{"op": "ping"}\0'],
    ["depth 100,000, arrays", `{"op": "ping", "x": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["depth 100,000, objects", `{"op": "ping", "x": ${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`],
    ["depth 100,000, never closed", `{"op": "ping", "x": ${"[".repeat(100_000)}`],
    ["a byte 0xFF", invalid(0xff)],
    ["a continuation byte alone", invalid(0x80)],
    ["a sequence cut off", invalid(0xe2, 0x82)],
    ["an overlong sequence", invalid(0xc0, 0x80)],
    ["a code point above U+10FFFF", invalid(0xf4, 0x90, 0x80, 0x80)],
  ];
  test.each(texts)("%s", (_, text) => expectSilence(frame(frameType.json, text)));

  function invalid(...bytes: number[]): Uint8Array {
    return Buffer.concat([Buffer.from('{"op": "ping", "x": "'), Uint8Array.from(bytes), Buffer.from('"}')]);
  }
});

describe("JSON text accepted", () => {
  const texts: [string, string][] = [
    ["white space around everything", ' \t\r\n{ "op" : "ping" , "x" : [ 1 , 2 ] }\n'],
    ["depth 100", `{"op": "ping", "x": ${"[".repeat(99)}${"]".repeat(99)}}`],
    ["raw UTF-8", '{"op": "ping", "x": "é € 😀"}'],
    ["a surrogate pair in escapes", '{"op": "ping", "x": "\\ud83d\\ude00"}'],
    ["a lone surrogate", '{"op": "ping", "x": "\\ud83d", "y": "\\ude00\\ud83d"}'],
    ["every escape", '{"op": "ping", "x": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000"}'],
    ["numbers of every form", '{"op": "ping", "x": [0, -0, -1.5e-3, 1E+9, 9007199254740992, 1e400, 123456789012345678901]}'],
    ["a long array", `{"op": "ping", "x": [${"0,".repeat(50_000)}0]}`],
    ["a long string", `{"op": "ping", "x": "${"x".repeat(2_000_000)}"}`],
    ["many keys", `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}": 0`).join(",")}, "op": "ping"}`],
  ];
  test.each(texts)("%s", async (_, text) => {
    expect((await agent.client.ask(text)).object.op).toBe("pong");
  });
});

test("frames sent in pieces of every size are put together", async () => {
  const bytes = request({ op: "ping", filler: "x".repeat(300) });
  for (let piece = 1; piece < 64; piece += 7) {
    const peer = await agent.client.connect();
    for (let at = 0; at < bytes.length; at += piece) await peer.send(bytes.subarray(at, at + piece));
    expect((await lastReply(peer)).object.op).toBe("pong");
  }
});

test("the agent says nothing about broken peers at its default level", async () => {
  await agent.client.ping();
  expect(agent.lines).toHaveLength(1);
});

test("nothing is left behind, and memory is given back", async () => {
  await agent.settled();
  await until("resident memory is small again", 10, () => agent.memory().rss < 160_000_000);
});
