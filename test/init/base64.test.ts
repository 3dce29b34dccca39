import { expect, test } from "bun:test";
import { decodeBase64 } from "../../sys/base64.ts";
import { noise } from "../scratch.ts";

function decoded(text: string): string {
  return Buffer.from(decodeBase64(text) ?? "none").toString("hex");
}

test("every length and every byte", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = noise(length, length + 1);
    expect(decoded(bytes.toString("base64"))).toBe(bytes.toString("hex"));
  }
  const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  expect(decoded(all.toString("base64"))).toBe(all.toString("hex"));
});

test.each([
  "A", "AA", "AAA", "AAAAA", "A===", "====", "=AAA", "AA=A", "AAA=AAAA", "AA==AAAA", 
  "AAA ", "AA\n=", " AAA", "AA-_", "AAÄ=", "\u{1f600}AA",
])("%j is none", (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});

test.each(["AB==", "AAB=", "A/==", "AA/="])("%j has bits left over", (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});
