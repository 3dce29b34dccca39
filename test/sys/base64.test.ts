import { expect, test } from "bun:test";
import fc from "fast-check";
import { base64Length, base64Text, decodeBase64, encodeBase64 } from "../../sys/base64.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

test("the examples of RFC 4648 section 10", () => {
  const texts = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
  for (const [length, text] of texts.entries()) expect(base64Text(new TextEncoder().encode("foobar").subarray(0, length), true)).toBe(text);
});

test("a part of an array is written into a part of another, and nothing beside it", () => {
  fc.assert(fc.property(bytes, fc.nat(200), fc.nat(200), fc.nat(5), fc.boolean(), (array, a, b, outStart, isPadded) => {
    const [start = 0, end = 0] = [a, b].map((at) => Math.min(at, array.length)).toSorted((x, y) => x - y);
    const expected = Buffer.from(array.subarray(start, end)).toString("base64").replaceAll("=", isPadded ? "=" : "");
    expect(base64Length(end - start, isPadded)).toBe(expected.length);
    const output = new Uint8Array(outStart + expected.length + 2).fill(1);
    expect(encodeBase64(array, start, end, output, outStart, isPadded)).toBe(expected.length);
    expect(Buffer.from(output).toString("latin1")).toBe(`${"\x01".repeat(outStart)}${expected}\x01\x01`);
  }));
});

test("what is encoded is decoded", () => {
  fc.assert(fc.property(bytes, (array) => {
    expect(decodeBase64(base64Text(array, true))).toEqual(array);
  }));
});

test("without room nothing is written", () => {
  const array = new Uint8Array(4);
  expect(() => encodeBase64(array, 0, 4, new Uint8Array(7), 0, true)).toThrow(RangeError);
  expect(() => encodeBase64(array, 0, 4, new Uint8Array(8), 1, true)).toThrow(RangeError);
  expect(() => encodeBase64(array, 0, 5, new Uint8Array(80), 0, true)).toThrow(RangeError);
  expect(() => encodeBase64(array, 3, 2, new Uint8Array(80), 0, true)).toThrow(RangeError);
  expect(() => encodeBase64(array, -1, 2, new Uint8Array(80), 0, true)).toThrow(RangeError);
  expect(() => encodeBase64(array, 0, 2, new Uint8Array(80), -1, true)).toThrow(RangeError);
});
