// Names of files as texts, and searching bytes.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { cstring, encodeText, fileBytes, fileText, sequenceLength } from "../../sys/bytes.ts";
import { indexOfByte, indexOfBytes } from "../../sys/search.ts";

const RUNS = { numRuns: 5000 };
const whole = (bytes: Uint8Array): string => fileText(bytes, 0, bytes.length);

/** Bytes with much of what UTF-8 is made of, and of what the escapes are made of. */
const bytes = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x41, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0x80, 0xef, 0xb7, 0x98, 0xa0, 0xaf)))
  .map((list) => Uint8Array.from(list));

test("any bytes are a text and the same bytes again", () => {
  fc.assert(fc.property(bytes, (name) => {
    expect(fileBytes(whole(name))).toEqual(name);
    expect(whole(name).isWellFormed()).toBe(true);
  }), RUNS);
});

test("what is UTF-8 is the text that it spells", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const plain = text.toWellFormed().replace(/[\ufdd0-\ufdef]/g, "");
    expect(whole(encodeText(plain))).toBe(plain);
    expect(fileBytes(plain)).toEqual(encodeText(plain));
  }), RUNS);
});

test("a sequence is what a strict decoder accepts", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const accepts = (part: Uint8Array): boolean => {
    try {
      return [...decoder.decode(part)].length === 1;
    } catch {
      return false;
    }
  };
  fc.assert(fc.property(bytes, (name) => {
    const length = [1, 2, 3, 4].find((n) => n <= name.length && accepts(name.slice(0, n))) ?? 0;
    if (name.length > 0) expect(sequenceLength(name, 0, name.length)).toBe(length);
  }), RUNS);
});

test("a leading U+FEFF, an escape's own characters, a lone half of one", () => {
  expect(whole(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe("\ufeffA");
  expect(whole(Uint8Array.of(0x41, 0xff))).toBe("A\ufddf\ufdef");
  expect(fileBytes("\ufddf\ufdef")).toEqual(Uint8Array.of(0xff));
  expect(fileBytes("\ufddfx")).toEqual(encodeText("\ufddfx"));
  // Would be an ASCII byte, which is never escaped.
  expect(fileBytes("\ufdd4\ufde1")).toEqual(encodeText("\ufdd4\ufde1"));
  expect(fileBytes(whole(encodeText("\ufddf\ufdef")))).toEqual(encodeText("\ufddf\ufdef"));
});

test("a C string has the bytes of the name", () => {
  expect(cstring(whole(Uint8Array.of(0x80, 0x2f)))).toEqual(Uint8Array.of(0x80, 0x2f, 0));
});

const few = fc.array(fc.constantFrom(1, 2, 3)).map((list) => Uint8Array.from(list));

test("a byte and a text are found where indexOf finds them", () => {
  fc.assert(fc.property(few, few, fc.nat(20), fc.nat(20), (haystack, needle, a, b) => {
    const end = Math.min(b, haystack.length);
    const start = Math.min(a, end);
    const oracle = Buffer.from(haystack.subarray(start, end));
    const moved = (index: number): number => (index < 0 ? -1 : start + index);
    expect(indexOfByte(haystack, start, end, 2)).toBe(moved(oracle.indexOf(2)));
    if (needle.length > 0) expect(indexOfBytes(haystack, start, end, needle)).toBe(moved(oracle.indexOf(needle)));
  }), RUNS);
});
