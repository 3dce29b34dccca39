import { expect, test } from "bun:test";
import fc from "fast-check";
import { percentDecode } from "../../http/percent.ts";
import { Query } from "../../http/query.ts";
import { encodeText, fileBytes, fileText } from "../../sys/bytes.ts";

const RUNS = { numRuns: 3000 };

function decoded(text: string, plus = 0x2b): string | undefined {
  const bytes = encodeText(text);
  const out = percentDecode(bytes, 0, bytes.length, plus);
  return out === undefined ? undefined : fileText(out, 0, out.length);
}

test("escapes are decoded as decodeURIComponent does", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    expect(decoded(encodeURIComponent(text))).toBe(text);
    const small = encodeURIComponent(text).toLowerCase();
    expect(decoded(small)).toBe(decodeURIComponent(small));
  }), RUNS);
});

test("a malformed escape decodes to nothing", () => {
  for (const text of ["%", "%4", "a%", "%zz", "%4g", "%%41", "%-1", "% 1", "%u0041"]) expect([text, decoded(text)]).toEqual([text, undefined]);
  expect(decoded("%41%4a%4A%00")).toBe("AJJ\0");
});

test("any bytes come through", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    const query = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    expect(fileBytes(new Query(`path=${query}`).get("path") ?? "")).toEqual(bytes);
  }), RUNS);
});

const piece = fc.string({ unit: fc.constantFrom("a", "b", "&", "=", "+", "%", "%41", "%3d", "%26", "%2B", ";", "?", "é", " "), maxLength: 12 });

test("pairs are those of URLSearchParams, where no escape is malformed", () => {
  fc.assert(fc.property(piece, (text) => {
    const good = text.split("&").filter((pair) => !/%(?![0-9a-fA-F]{2})/.test(pair)).join("&");
    // It would take the first question mark for the query's own.
    const oracle = new URLSearchParams(`?${good}`);
    // It makes U+FFFD of what is no UTF-8.
    fc.pre(![...oracle].flat().join("").includes("\ufffd"));
    const query = new Query(text);
    for (const name of new Set([...oracle.keys(), "a", "b", "", "ab"])) {
      expect([name, query.get(name) ?? null, query.count(name)]).toEqual([name, oracle.get(name), oracle.getAll(name).length]);
    }
  }), { numRuns: 20_000 });
});

test("what forms make reads back", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }))), (pairs) => {
    const query = new Query(new URLSearchParams(pairs).toString());
    for (const [name] of pairs) {
      const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
      expect([query.get(name), query.count(name)]).toEqual([values[0], values.length]);
    }
  }), RUNS);
});

test("a pair with a malformed escape is as if absent", () => {
  expect(new Query("path=%zz").get("path")).toBeUndefined();
  expect(new Query("path=%zz&path=b").get("path")).toBe("b");
  expect(new Query("path=%zz&path=b").count("path")).toBe(1);
  expect(new Query("pa%th=a").count("path")).toBe(0);
});

test("present but empty is not absent", () => {
  expect(new Query("").get("path")).toBeUndefined();
  expect(new Query("path").get("path")).toBe("");
  expect(new Query("path=&user=").get("path")).toBe("");
  expect(new Query("&&path=a=b&").get("path")).toBe("a=b");
  expect(new Query("path=a&path=b").count("path")).toBe(2);
});
