// The signer by itself; envd-http.md 3.3 and 8.2.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { AccessToken } from "../../envd/access-token.ts";
import { isSignature, parseExpiration, signatureDigest } from "../../envd/signing.ts";
import { encodeText } from "../../sys/bytes.ts";
import { sign, TOKEN } from "./signature.ts";

const OTHER = "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0";

// path, operation, username, token, expiration as it is sent, signature
const rows: readonly [string, string, string, string, string | undefined, string][] = [
  ["hello.txt", "read", "user", OTHER, undefined, "v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E"],
  ["/home/user/hello.txt", "read", "", TOKEN, undefined, "v1_t2Eg+WC9TTG1J+6H8eqY5rwcLQslt06X/Ku7fHJHhPc"],
  ["/home/user/hello.txt", "write", "root", TOKEN, "1900000000", "v1_s44I92H5uGt6U8o1npFZylQC4jFijEJ+wFk3MFbQjkU"],
  ["", "write", "", TOKEN, undefined, "v1_ReWhWiZPtHrsy38H3iGuMkS0IwCguUOFZBRg9pXoRz8"],
  ["/tmp/übung 1.txt", "read", "user", TOKEN, undefined, "v1_wW7hzR1khJzeWRZCCT58VUTzvnifr3Apj85JGiOpauw"],
  ["/tmp/a b.txt", "read", "", TOKEN, "4102444800", "v1_vio+8nUtbHrwQsb52/q1wkqvFdplthEqq3pQdtGQlSc"],
  ["hello.txt", "write", "", TOKEN, "0", "v1_UEGcM2SOYArstscJ8EfmXYnYvV4X9ian4TguhJYzoQg"],
];

test.each(rows)("SIG-16: %p %p by %p", (path, operation, user, token, expiration, signature) => {
  const digest = signatureDigest(path, operation, user, encodeText(token), expiration);
  expect(`v1_${Buffer.from(digest).toString("base64").replaceAll("=", "")}`).toBe(signature);
  expect(isSignature(signature, digest)).toBe(true);
  // What the other tests sign with is held against the table, too.
  expect(sign(path, operation, user, expiration === undefined ? undefined : Number(expiration), token)).toBe(signature);
});

test("SIG-18: no padding, no other alphabet, no other prefix, no bits left over", () => {
  const digest = new Uint8Array(Buffer.from("s44I92H5uGt6U8o1npFZylQC4jFijEJ+wFk3MFbQjkU", "base64"));
  const good = "v1_s44I92H5uGt6U8o1npFZylQC4jFijEJ+wFk3MFbQjkU";
  expect(isSignature(good, digest)).toBe(true);
  const bad = [`${good}=`, good.replace("+", "-"), good.replace("+", " "), good.replace("v1_", "v2_"), good.slice(3), "", "v1_",
    good.replace(/U$/, "V"), good.slice(0, -1)];
  for (const signature of bad) expect(isSignature(signature, digest)).toBe(false);
});

test("SIG-12: expirations are 64-bit integers, in canonical form", () => {
  const good: readonly [string, string][] = [["007", "7"], ["0", "0"], ["-0", "0"], ["000", "0"], ["-12", "-12"], ["+5", "5"],
    ["9223372036854775807", "9223372036854775807"], ["-9223372036854775808", "-9223372036854775808"], [`${"0".repeat(900)}1`, "1"]];
  for (const [text, canonical] of good) expect(parseExpiration(text)).toBe(canonical);
  for (const text of ["", "-", "+", "abc", "1.0", "1e3", " 1", "0x1", "--1", "9223372036854775808", "-9223372036854775809", `${2n ** 70n}`]) {
    expect(parseExpiration(text)).toBeUndefined();
  }
  fc.assert(fc.property(fc.bigInt(), (n) => parseExpiration(`${n}`) === (BigInt.asIntN(64, n) === n ? `${n}` : undefined)));
});

test("a token that is replaced or cleared leaves no bytes behind", () => {
  const token = new AccessToken(undefined);
  expect(token.isSet).toBe(false);
  expect(token.matches(new Uint8Array(0))).toBe(false);
  const first = encodeText("first");
  token.replace(first);
  expect(token.matches(encodeText("first"))).toBe(true);
  for (const other of ["firs", "first ", "First", ""]) expect(token.matches(encodeText(other))).toBe(false);
  const second = encodeText("second");
  token.replace(second);
  expect([...first]).toEqual([0, 0, 0, 0, 0]);
  expect(token.matches(encodeText("first"))).toBe(false);
  token.clear();
  expect([...second]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(token.isSet).toBe(false);
});
