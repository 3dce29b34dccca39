// Compressing and decompressing in steps, against node:zlib.

import { describe, expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { Deflater, GzipError, GzipFault, Inflater } from "../../sys/deflate.ts";
import { noise } from "../scratch.ts";

/** Puts bytes through a stream in steps of random sizes. */
function pass(stream: Deflater | Inflater, bytes: Uint8Array, sizes: number[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  let turn = 0;
  const size = (): number => sizes[turn++ % sizes.length] ?? 1;
  try {
    for (let idle = 0; !stream.isEnd && idle < 3; ) {
      // Neither begins where its array does.
      const output = new Uint8Array(size() + 5);
      const end = Math.min(bytes.length, at + size());
      stream.step(bytes, at, end, end === bytes.length, output, 2, output.length - 3);
      at += stream.consumed;
      parts.push(Buffer.from(output.subarray(2, 2 + stream.produced)));
      expect(output.subarray(0, 2)).toEqual(new Uint8Array(2));
      expect(output.subarray(output.length - 3)).toEqual(new Uint8Array(3));
      idle = stream.consumed + stream.produced === 0 && !stream.isEnd && end > at ? idle + 1 : 0;
    }
  } finally {
    stream.close();
  }
  return Buffer.concat(parts);
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.nat(100_000).map((length) => new Uint8Array(length).fill(65)),
  fc.nat(100_000).map((length) => new Uint8Array(noise(length, length + 1))),
);
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 70_000 })), { minLength: 1, maxLength: 5 })
  .filter((steps) => Math.max(...steps) > 500);

test("what is compressed in steps is gzip", () => {
  fc.assert(fc.property(content, sizes, (bytes, steps) => {
    expect(gunzipSync(pass(new Deflater(), bytes, steps)).equals(bytes)).toBe(true);
  }), { numRuns: 150 });
});

test("gzip of one member or several is decompressed in steps", () => {
  fc.assert(fc.property(fc.array(content, { minLength: 1, maxLength: 3 }), sizes, (members, steps) => {
    const coded = Buffer.concat(members.map((member) => gzipSync(member)));
    expect(pass(new Inflater(), coded, steps).equals(Buffer.concat(members))).toBe(true);
  }), { numRuns: 150 });
});

test("a header with everything in it", () => {
  const member = gzipSync("content");
  // FTEXT, FHCRC (not of zlib's making, so left out), FEXTRA, FNAME, FCOMMENT; RFC 1952 2.3.
  const header = Buffer.from([0x1f, 0x8b, 8, 1 + 4 + 8 + 16, 1, 2, 3, 4, 0, 3, 2, 0, 9, 9, 0x6e, 0, 0x63, 0]);
  expect(pass(new Inflater(), Buffer.concat([header, member.subarray(10)]), [1, 1000]).toString()).toBe("content");
});

describe("what is wrong with it is told apart", () => {
  const good = gzipSync(noise(10_000));
  const changed = (at: number): Buffer => {
    const bad = Buffer.from(good);
    bad[at < 0 ? bad.length + at : at] = (bad.at(at) ?? 0) ^ 1;
    return bad;
  };
  const cases: [string, Uint8Array, GzipFault, string][] = [
    ["other data", Buffer.from("not gzip at all"), GzipFault.HEADER, "incorrect header check"],
    ["half a beginning", Buffer.from([0x1f, 0x8c, 8, 0]), GzipFault.HEADER, "incorrect header check"],
    ["another method", changed(2), GzipFault.HEADER, "unknown compression method"],
    ["unknown flags", Buffer.from([0x1f, 0x8b, 8, 0xe0, 0, 0, 0, 0, 0, 0]), GzipFault.HEADER, "unknown header flags set"],
    ["a block of no type", Buffer.concat([good.subarray(0, 10), Buffer.from([7])]), GzipFault.DATA, "invalid block type"],
    ["another sum", changed(-5), GzipFault.CHECKSUM, "incorrect data check"],
    ["another length", changed(-1), GzipFault.CHECKSUM, "incorrect length check"],
    ["nothing", new Uint8Array(0), GzipFault.TRUNCATED, "unexpected end of file"],
    ["the first byte", good.subarray(0, 1), GzipFault.TRUNCATED, "unexpected end of file"],
    ["half of it", good.subarray(0, 5000), GzipFault.TRUNCATED, "unexpected end of file"],
    ["all but a byte", good.subarray(0, -1), GzipFault.TRUNCATED, "unexpected end of file"],
    ["the beginning of another", Buffer.concat([good, good.subarray(0, 1)]), GzipFault.TRUNCATED, "unexpected end of file"],
    ["something after it", Buffer.concat([good, Buffer.from("xx")]), GzipFault.TRAILING, "incorrect header check"],
    ["zeros after it", Buffer.concat([good, Buffer.alloc(3)]), GzipFault.TRAILING, "incorrect header check"],
  ];
  test.each(cases)("%s", (_, bytes, fault, text) => {
    for (const steps of [[1, 1000], [1000, 1], [100_000], [17]]) {
      try {
        pass(new Inflater(), bytes, steps);
        expect.unreachable();
      } catch (error) {
        if (!(error instanceof GzipError)) throw error;
        expect([error.fault, error.message]).toEqual([fault, text]);
      }
    }
  });
});

test("without room nothing happens, without input nothing is lost", () => {
  const [bytes, output] = [new Uint8Array(noise(1000)), new Uint8Array(3000)];
  const stream = new Deflater();
  stream.step(bytes, 5, 5, false, output, 0, output.length);
  expect([stream.consumed, stream.isEnd]).toEqual([0, false]);
  const begun = stream.produced;
  stream.step(bytes, 0, bytes.length, true, output, begun, begun);
  expect([stream.produced, stream.isEnd]).toEqual([0, false]);
  const taken = stream.consumed;
  stream.step(bytes, taken, bytes.length, true, output, begun, output.length);
  expect(stream.isEnd).toBe(true);
  expect(gunzipSync(output.subarray(0, begun + stream.produced)).equals(bytes)).toBe(true);
  stream.close();
});
