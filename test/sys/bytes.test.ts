import { expect, test } from "bun:test";
import fc from "fast-check";
import { addressOf } from "#libc";
import {
  consistsOf, cstring, CStringVector, decodeText, encodeText, hex, printable, readWord, stringAt, vectorAt, writeWord,
} from "../../sys/bytes.ts";

test("words keep every integer to 2^53", () => {
  const view = new DataView(new ArrayBuffer(8));
  fc.assert(fc.property(fc.maxSafeNat(), (value) => {
    writeWord(view, 0, value);
    expect(readWord(view, 0)).toBe(value);
    expect(Number(view.getBigUint64(0, true))).toBe(value);
  }));
});

test("text goes through UTF-8 and back, a leading U+FEFF too", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const bytes = encodeText(`\ufeff${text}`);
    expect(decodeText(bytes, 0, bytes.length)).toBe(`\ufeff${text.toWellFormed()}`);
    expect(decodeText(bytes, 3, bytes.length)).toBe(text.toWellFormed());
  }));
});

test("a C string with a NUL inside is refused", () => {
  expect(() => cstring("a\0b")).toThrow("embedded null byte");
});

test("a vector of C strings reads back as it was made", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"))), (texts) => {
    const vector = new CStringVector();
    for (const text of texts) vector.add(text);
    expect(vectorAt(vector.address()).map(stringAt)).toEqual(texts.map((text) => text.toWellFormed()));
  }));
});

test("an address in a vector stays what it is", () => {
  const bytes = cstring("kept");
  const vector = new CStringVector();
  vector.addAddress(addressOf(bytes));
  expect(vectorAt(vector.address())).toEqual([addressOf(bytes)]);
});

test("hexadecimal digits are those of toString(16)", () => {
  fc.assert(fc.property(fc.maxSafeNat(), fc.nat(20), (value, width) => {
    expect(hex(value, width)).toBe(value.toString(16).padStart(width, "0"));
  }));
});

test("a text consists of an alphabet up to a length", () => {
  expect(consistsOf("0123", "0123", 4)).toBe(true);
  expect(consistsOf("01234", "01234", 4)).toBe(false);
  expect(consistsOf("01x", "01", 4)).toBe(false);
  expect(consistsOf("", "01", 4)).toBe(false);
});

test("control characters do not survive into a line", () => {
  expect(printable("plain é 日本")).toBe("plain é 日本");
  expect(printable("a\nb\x1b[0m\x7f\x9b")).toBe("a\\x0ab\\x1b[0m\\x7f\\x9b");
});
