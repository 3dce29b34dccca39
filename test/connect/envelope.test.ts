import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Code } from "../../connect/code.ts";
import { MESSAGE_LIMIT, MessageRoom } from "../../connect/collector.ts";
import { ENVELOPE_BYTES, EnvelopeReader, Flag, putEnvelope } from "../../connect/envelope.ts";
import { RpcError } from "../../connect/error.ts";

function envelope(flags: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_BYTES + payload.length);
  bytes.set(payload, ENVELOPE_BYTES);
  expect(putEnvelope(bytes, ENVELOPE_BYTES, bytes.length, flags)).toBe(0);
  return bytes;
}

/** The messages in a stream that comes in pieces, each in an array of its own that is overwritten afterwards. */
function messages(reader: EnvelopeReader, pieces: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const piece of pieces) {
    const lent = Uint8Array.from([0xee, ...piece, 0xee]);
    for (let at = 1; at < lent.length - 1; ) {
      at += reader.take(lent, at, lent.length - 1);
      if (reader.isWhole) found.push(reader.bytes.slice(reader.start, reader.end));
    }
    lent.fill(0xee);
  }
  return found;
}

function refusal(action: () => void): [Code, string] {
  try {
    action();
  } catch (error) {
    if (error instanceof RpcError) return [error.code, error.message];
    throw error;
  }
  return [Code.OK, ""];
}

test("a head is flags and a length, the greatest byte first", () => {
  expect(envelope(2, new TextEncoder().encode("{}"))).toEqual(Uint8Array.of(2, 0, 0, 0, 2, 0x7b, 0x7d));
  const long = new Uint8Array(ENVELOPE_BYTES + 0x012345);
  putEnvelope(long, ENVELOPE_BYTES, long.length, 0x80);
  expect(long.subarray(0, 5)).toEqual(Uint8Array.of(0x80, 0, 1, 0x23, 0x45));
});

test("messages are the same in whatever pieces they come", () => {
  const payload = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.nat(20_000).map((length) => new Uint8Array(length).fill(length)));
  fc.assert(fc.property(fc.array(payload, { maxLength: 6 }), fc.array(fc.nat(40_000), { maxLength: 12 }), (payloads, cuts) => {
    const stream = Buffer.concat(payloads.map((bytes) => envelope(0, bytes)));
    const bounds = [0, ...cuts.filter((cut) => cut < stream.length).toSorted((a, b) => a - b), stream.length];
    const pieces = bounds.slice(1).map((end, i) => stream.subarray(bounds[i], end));
    const reader = new EnvelopeReader(Flag.END, false, new MessageRoom());
    expect(messages(reader, pieces).map((bytes) => Buffer.from(bytes))).toEqual(payloads.map((bytes) => Buffer.from(bytes)));
    reader.close();
  }), { numRuns: 500 });
});

test("byte by byte", () => {
  const payloads = ["", "a", "bc", ""].map((text) => new TextEncoder().encode(text));
  const stream = Buffer.concat(payloads.map((bytes) => envelope(0, bytes)));
  expect(messages(new EnvelopeReader(Flag.END, false, new MessageRoom()), [...stream].map((byte) => Uint8Array.of(byte)))).toEqual(payloads);
});

describe("the end", () => {
  test.each([[Flag.END], [Flag.TRAILERS]])("an envelope with flag %d ends the stream, nothing after it counts", (flag) => {
    const reader = new EnvelopeReader(flag, false, new MessageRoom());
    const stream = Buffer.concat([envelope(0, Uint8Array.of(1)), envelope(flag, Uint8Array.of(2)), envelope(0x40, Uint8Array.of(3))]);
    expect(messages(reader, [stream])).toEqual([Uint8Array.of(1)]);
    expect(reader.isEnded).toBe(true);
    reader.close();
  });

  test("within an envelope it is an error, at a border it is none", () => {
    for (let length = 0; length < 8; length++) {
      const reader = new EnvelopeReader(Flag.END, false, new MessageRoom());
      messages(reader, [envelope(0, Uint8Array.of(1, 2, 3)).subarray(0, length)]);
      const expected = length === 0 || length === 8 ? [Code.OK, ""] : [Code.INVALID_ARGUMENT, "protocol error: incomplete envelope"];
      expect(refusal(() => reader.close())).toEqual(expected as [Code, string]);
    }
  });
});

describe("refused as soon as the head is there", () => {
  const head = (...bytes: number[]) => () => void new EnvelopeReader(Flag.END, false, new MessageRoom()).take(Uint8Array.from(bytes), 0, bytes.length);

  test("flags that are reserved", () => {
    for (const flag of [4, 0x40, 0x80, 0xff]) expect(refusal(head(flag, 0, 0, 0, 1))).toEqual([Code.INTERNAL, `protocol error: invalid envelope flags ${flag}`]);
    expect(refusal(() => void new EnvelopeReader(Flag.TRAILERS, false, new MessageRoom()).take(Uint8Array.of(2, 0, 0, 0, 0), 0, 5))[0]).toBe(Code.INTERNAL);
  });

  test("a compressed message that nobody has announced", () => {
    expect(refusal(head(1, 0, 0, 0, 1))).toEqual([Code.INTERNAL, "protocol error: sent compressed message without compression support"]);
    const reader = new EnvelopeReader(Flag.END, true, new MessageRoom());
    expect(messages(reader, [envelope(1, Uint8Array.of(9))])).toEqual([Uint8Array.of(9)]);
    expect(reader.isCompressed).toBe(true);
  });

  test("a length of the limit and above", () => {
    const size = (length: number) => [length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff];
    for (const length of [MESSAGE_LIMIT, 2 ** 31, 2 ** 32 - 1]) expect(refusal(head(0, ...size(length)))[0]).toBe(Code.RESOURCE_EXHAUSTED);
    expect(refusal(head(0, ...size(MESSAGE_LIMIT - 1)))[0]).toBe(Code.OK);
  });
});

test("a length that is announced takes no room before its bytes come", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 100 }, () => {
    const reader = new EnvelopeReader(Flag.END, false, new MessageRoom());
    reader.take(Uint8Array.of(0, 3, 0xff, 0xff, 0xff, 1, 2, 3), 0, 8);
    return reader;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  expect(readers.length).toBe(100);
});
