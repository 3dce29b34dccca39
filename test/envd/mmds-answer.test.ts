// Units of the metadata service's client: what it takes for an answer, and how often it asks; lifecycle.md 4.1 and 4.2.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pauseAfter } from "../../envd/metadata.ts";
import { Answer, AnswerError, MAX_ANSWER_BYTES } from "../../envd/mmds/answer.ts";
import { tokenOf } from "../../envd/mmds/attempt.ts";
import { encodeText } from "../../sys/bytes.ts";
import { answer } from "./mmds-service.ts";

interface Taken {
  readonly status: number;
  readonly body: string;
}

/** What is made of bytes that come as they are cut; undefined while more would have to come. */
function take(bytes: Uint8Array, cuts: readonly number[] = []): Taken | undefined {
  const reader = new Answer();
  const room = new Uint8Array(MAX_ANSWER_BYTES);
  room.set(bytes.subarray(0, room.length));
  for (const end of [...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]) {
    if (!reader.take(room, end)) continue;
    return { status: reader.status, body: Buffer.from(room.slice(reader.bodyStart, reader.bodyEnd)).toString() };
  }
  return undefined;
}

const taken = (text: string): Taken | undefined => take(encodeText(text));

describe("an answer", () => {
  test.each([
    ["HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nab", 200, "ab"],
    ["HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab", 200, "ab"],
    ["HTTP/1.0 200 OK\r\ncontent-length:2\r\n\r\nab", 200, "ab"],
    ["HTTP/1.1 401 Unauthorized, and more\r\nCONTENT-LENGTH:\t 2 \r\nX: y\r\n\r\nab", 401, "ab"],
    ["HTTP/1.1 200 \nContent-Length: 1\n\na", 200, "a"],
    ["HTTP/1.1 405 \r\nAllow: GET\r\n\r\n", 405, ""],
    ["HTTP/1.1 200 \r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 200, ""],
    ["HTTP/1.1 302 \r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, ""],
    ["HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nand what is behind it", 200, "a"],
  ])("%j", (text, status, body) => {
    expect(taken(text)).toEqual({ status, body });
  });

  test.each([
    "HTTP/2 200 \r\n", "HTTP/1.2 200 \r\n", "http/1.1 200 \r\n", "HTTP/1.1 20 \r\n", "HTTP/1.1 2000 \r\n", "HTTP/1.1 2x0 \r\n", "HTTP/1.1  200\r\n",
    "\r\n", "\n", "SSH-2.0-x\r\n", "HTTP/1.1 100 \r\n", "HTTP/1.1 000 \r\n", "HTTP/1.1 200x\r\n",
    "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n", "HTTP/1.1 200 \r\nContent-Length: 3\r\ntransfer-ENCODING: gzip, chunked\r\n",
    "HTTP/1.1 200 \r\nContent-Length: -1\r\n", "HTTP/1.1 200 \r\nContent-Length: 1, 1\r\n", "HTTP/1.1 200 \r\nContent-Length:\r\n",
    "HTTP/1.1 200 \r\nContent-Length: 0x10\r\n", "HTTP/1.1 200 \r\nContent-Length: 1\r\nContent-Length: 2\r\n",
    "HTTP/1.1 200 \r\nContent-Length: 65537\r\n", "HTTP/1.1 200 \r\nContent-Length: 65536\r\n\r\n", "HTTP/1.1 200 \r\nContent-Length: 99999999999999999999\r\n",
    "HTTP/1.1 200 \r\nno field\r\n",
  ])("%j is refused", (text) => {
    expect(() => taken(text)).toThrow(AnswerError);
  });

  test.each(["", "H", "HTTP/1.1 200 ", "HTTP/1.1 200 \r", "HTTP/1.1 200 \r\n", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\na"])("%j is not whole", (text) => {
    expect(taken(text)).toBeUndefined();
  });

  test("the largest one is taken, one byte more is not", () => {
    const head = "HTTP/1.1 200 \r\nContent-Length: 65000\r\nX: ";
    const body = "b".repeat(65_000);
    const whole = head.padEnd(MAX_ANSWER_BYTES - body.length - 4, "x");
    expect(taken(`${whole}\r\n\r\n${body}`)?.body.length).toBe(65_000);
    expect(() => taken(`${whole}x\r\n\r\n${body}`)).toThrow(AnswerError);
  });

  test("cut anywhere it is the same", () => {
    const cuts = fc.array(fc.nat(400), { maxLength: 20 });
    const body = fc.string({ unit: "grapheme", maxLength: 100 });
    fc.assert(fc.property(body, fc.constantFrom(200, 401, 404, 405), cuts, (text, status, places) => {
      expect(take(answer(status, text), places)).toEqual({ status, body: text });
    }), { numRuns: 2000 });
  });

  test("mutated it is taken, refused or awaited, and nothing else", () => {
    const whole = answer(200, JSON.stringify({ instanceID: "i", envID: "t" }), "application/json");
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    fc.assert(fc.property(edits, fc.nat(whole.length), fc.array(fc.nat(300), { maxLength: 5 }), (changes, length, cuts) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const result = take(bytes.subarray(0, length), cuts);
        if (result !== undefined) expect(result.body.length).toBeLessThanOrEqual(whole.length);
      } catch (error) {
        expect(error).toBeInstanceOf(AnswerError);
      }
    }), { numRuns: 5000 });
  });

  test("any bytes are taken, refused or awaited", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, hasStatus) => {
      try {
        take(hasStatus ? Buffer.concat([Buffer.from("HTTP/1.1 200 \r\n"), bytes]) : bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AnswerError);
      }
    }), { numRuns: 5000 });
  });
});

test.each([
  ["abc+/=", "abc+/="], ["", ""], ["a b", ""], ["a\r\nX: y", ""], ["a\n", ""], ["\0", ""], ["x".repeat(1024), "x".repeat(1024)], ["x".repeat(1025), ""],
])("a token: %j", (text, token) => {
  const bytes = encodeText(`<${text}>`);
  expect(tokenOf(bytes, 1, bytes.length - 1)).toBe(token);
});

test("it asks 50 ms after an attempt at first, then ever more seldom up to 5 s, and after 10 min once a minute", () => {
  const pauses: number[] = [];
  let pause = 50;
  for (let age = 0; age < 900_000; age += pause) {
    pause = pauseAfter(pause, age);
    if (pauses.at(-1) !== pause) pauses.push(pause);
    if (age < 10_000) expect(pause).toBe(50);
    if (age > 20_000) expect(pause).toBeGreaterThanOrEqual(5000);
    if (age >= 600_000) expect(pause).toBe(60_000);
  }
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 60_000]);
});
