import { expect, test } from "bun:test";
import fc from "fast-check";
import { acceptedCodings, Coding } from "../../http/accept-encoding.ts";

const rows: [Coding, string[]][] = [
  [Coding.IDENTITY, ["", "br", "deflate, br", "*", "gzip;q=0", "gzip;q=0, br", "gzip;q=0.5, identity;q=1.0", "*;q=0, identity", "identity, gzip"]],
  [Coding.GZIP, ["gzip", "GZIP", "gzip, deflate", "br;q=1.0, gzip;q=0.5", "gzip;q=0.5", "gzip;q=x", "*, identity;q=0", "*;q=0, gzip", "gzip, identity"]],
  [Coding.GZIP, [" gzip ; q=0.1 ", "gzip;Q=1;foo", "gzip;q=", "gzip;level=9;q=1", "deflate, , gzip;q=1.0, *;q=0.5"]],
  [Coding.NONE, ["identity;q=0", "br, identity;q=0", "*;q=0", "br;q=1, *;q=0"]],
];

for (const [coding, headers] of rows) {
  for (const header of headers) test(`${JSON.stringify(header)} is ${coding}`, () => expect(acceptedCodings(header).choice).toBe(coding));
}

/** The rules as they are written, with a sort. */
function oracle(header: string): { choice: Coding; isIdentityRefused: boolean } {
  const items = header.split(",").map((item) => {
    const [name = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.filter((part) => part.startsWith("q=")).map((part) => Number(part.slice(2) || "x")).at(-1) ?? 1;
    return { name, q: Number.isNaN(weight) ? 1 : weight };
  });
  const has = (name: string, test: (q: number) => boolean): boolean => items.some((item) => item.name === name && test(item.q));
  const isIdentityRefused = has("identity", (q) => q === 0) || (has("*", (q) => q === 0) && !has("identity", (q) => q > 0));
  for (const { name, q } of items.toSorted((a, b) => b.q - a.q)) {
    if (q === 0) continue;
    if (name === "identity") return { choice: Coding.IDENTITY, isIdentityRefused };
    if (name === "*") return { choice: isIdentityRefused ? Coding.GZIP : Coding.IDENTITY, isIdentityRefused };
    if (name === "gzip") return { choice: Coding.GZIP, isIdentityRefused };
  }
  return { choice: isIdentityRefused ? Coding.NONE : Coding.IDENTITY, isIdentityRefused };
}

test("every header is answered as the rules say", () => {
  const item = fc.tuple(fc.constantFrom("gzip", "identity", "*", "br", "GZip", ""), fc.constantFrom("", ";q=0", ";q=0.0", ";q=0.5", "; Q=1", ";q=x", ";q=0.001", ";a=b;q=0")).map((parts) => parts.join(""));
  fc.assert(fc.property(fc.array(item, { maxLength: 6 }), fc.constantFrom(",", ", ", " ,\t"), (items, separator) => {
    const { choice, isIdentityRefused } = acceptedCodings(items.join(separator));
    expect({ choice, isIdentityRefused }).toEqual(oracle(items.join(separator)));
  }), { numRuns: 10_000 });
});

test("SEC-09: 50,000 items", () => {
  expect(acceptedCodings("é;q=0.5,".repeat(50_000) + "gzip;q=0.1").choice).toBe(Coding.GZIP);
});
