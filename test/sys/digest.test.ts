import { expect, test } from "bun:test";
import fc from "fast-check";
import { equalDigests, sha256, sha512 } from "../../sys/digest.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

// envd-http.md 3.3 and 5.4.
test("the digests that the specification gives", () => {
  const signed = "hello.txt:read:user:0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0";
  expect(hexOf(sha256(ascii(signed)))).toBe("814b47fecf580895a00a2ce37d4c6e59f845138412c9d39610822f7cbc03afa1");
  expect(hexOf(sha512(ascii("")))).toStartWith("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce");
});

// FIPS 180-4's own examples, of one block and of two.
test.each([
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "ddaf35a193617abacc417349ae204131"],
  ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "204a8fc6dda82f0a0ced7beb8e08a416"],
])("the digests of %s", (text, short, long) => {
  expect(hexOf(sha256(ascii(text)))).toBe(short);
  expect(hexOf(sha512(ascii(text)))).toStartWith(long);
});

test("digests are equal where every byte is", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (a, at, flip) => {
    const b = a.slice();
    expect(equalDigests(a, b)).toBe(true);
    const index = at % a.length;
    b[index] = (b[index] ?? 0) ^ flip;
    expect(equalDigests(a, b)).toBe(false);
  }));
});

test("digests of another length are not", () => {
  expect(equalDigests(new Uint8Array(32), new Uint8Array(64))).toBe(false);
  expect(equalDigests(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});
