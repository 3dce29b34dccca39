import { expect, test } from "bun:test";
import fc from "fast-check";
import { base64Length, base64Text, decodeBase64, decodedLength, decodeDigits, digitsEnd, encodeBase64 } from "../../sys/base64.ts";

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

/** What a text in any form of base64 is; undefined where it is none. */
function decodeAny(text: string): Buffer | undefined {
  const source = Buffer.from(`x${text}A`);
  const end = digitsEnd(source, 1, source.length - 1);
  const output = new Uint8Array(decodedLength(end - 1) + 2).fill(1);
  if (!decodeDigits(source, 1, end, output, 1)) return undefined;
  expect([output.at(0), output.at(-1)]).toEqual([1, 1]);
  return Buffer.from(output.subarray(1, -1));
}

test("either alphabet is decoded, padded or not", () => {
  fc.assert(fc.property(bytes, (array) => {
    const buffer = Buffer.from(array);
    const text = buffer.toString("base64");
    for (const form of [text, text.replaceAll("=", ""), buffer.toString("base64url")]) expect(decodeAny(form)).toEqual(buffer);
  }));
  expect(decodeAny("-_+/")).toEqual(Buffer.of(0xfb, 0xff, 0xbf));
  // Bits left over.
  expect(decodeAny("//9")).toEqual(Buffer.of(255, 255));
});

test.each(["A", "AAAAA", "=", "A=", "A===", "AA=", "AAA==", "AAAA=", "AA==A", "AA A", "AAA\n", "!!", "A\0AA", "AAA\x80", "AA=A"])("no base64: %j", (text) => {
  expect(decodeAny(text)).toBeUndefined();
});

test("without room nothing is decoded", () => {
  const digits = Buffer.from("AAAAAA");
  expect(() => decodeDigits(digits, 0, 6, new Uint8Array(3), 0)).toThrow(RangeError);
  expect(() => decodeDigits(digits, 0, 6, new Uint8Array(4), 1)).toThrow(RangeError);
  expect(() => decodeDigits(digits, 0, 7, new Uint8Array(80), 0)).toThrow(RangeError);
  expect(() => decodeDigits(digits, -1, 2, new Uint8Array(80), 0)).toThrow(RangeError);
});
