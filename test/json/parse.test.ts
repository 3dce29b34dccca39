import { describe, expect, test } from "bun:test";
import { JsonError, MAX_DEPTH, MAX_NUMBER, MAX_VALUES, parseJson } from "../../json/parse.ts";
import { JsonKind } from "../../json/value.ts";
import { parseText, plain, utf8 } from "./oracle.ts";

function failure(bytes: Uint8Array): JsonError {
  try {
    parseJson(bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error("accepted");
}

/** A string's content as bytes, between quotes. */
function quoted(...content: number[]): Uint8Array {
  return new Uint8Array([0x22, ...content, 0x22]);
}

// text, offset of the refused byte
const MALFORMED: [string, number][] = [
  ["", 0], [" ", 1], ["\t\r\n", 3],
  ["nul", 3], ["nulL", 3], ["True", 0], ["tru", 3], ["falsy", 4], ["nullnull", 4], ["undefined", 0],
  ["NaN", 0], ["Infinity", 0], ["-Infinity", 1], ["[NaN]", 1],
  ["-", 1], ["+1", 0], ["01", 1], ["-01", 2], ["00", 1], ["1.", 2], [".5", 0], ["1.e3", 2], ["1e", 2], ["1e+", 3],
  ["1e5.5", 3], ["0x10", 1], ["1 2", 2], ["--1", 1], ["1_000", 1], ["-a", 1], ["1.5.5", 3], ["１", 0],
  ["[", 1], ["]", 0], ["[1", 2], ["[1,", 3], ["[1,]", 3], ["[,1]", 1], ["[1,,2]", 3], ["[1 2]", 3], ["[1}", 2], ["[1]]", 3],
  ["[\"a\":1]", 4], ["[\v]", 1], ["[1\f]", 2], ["[\u00a01]", 1],
  ["{", 1], ["}", 0], ["{]", 1], ["{\"a\"", 4], ["{\"a\":", 5], ["{\"a\":1", 6], ["{\"a\":1,", 7], ["{\"a\":1,}", 7],
  ["{\"a\"}", 4], ["{\"a\" 1}", 5], ["{\"a\"::1}", 5], ["{a:1}", 1], ["{'a':1}", 1], ["{1:1}", 1], ["{,}", 1], ["{null:1}", 1],
  ["{\"a\":1]", 6], ["{\"a\":1 \"b\":2}", 7], ["{\"a\":1}}", 7], ["{\"a\":1};", 7], ["{\"a\":1,,\"b\":2}", 7], ["{[1]:2}", 1],
  ["{\"a\":[1}", 7], ["[{\"a\":1]", 7],
  ["\"", 1], ["\"a", 2], ["\"\\", 2], ["\"\\\"", 3], ["'a'", 0], ["\"a\"b", 3], ["\"\\x41\"", 2], ["\"\\a\"", 2], ["\"\\'\"", 2],
  ["\"\\0\"", 2], ["\"\\u\"", 3], ["\"\\u00", 5], ["\"\\u00g0\"", 5], ["\"\\U0041\"", 2], ["\"\\u 041\"", 3], ["\"\\u004\"", 6],
  ["\"\\ud83d\\u\"", 9], ["\"\\ud83d\\", 8], ["\"\\ud83d\\x\"", 8], ["\"ok\\n\\q\"", 6],
  ["\"\n\"", 1], ["\"a\tb\"", 2], ["\"\u0000\"", 1], ["\"\u001f\"", 1], ["\"\\n\u0001\"", 3], ["\u0000", 0], ["1\u0000", 1],
  ["\ufeff1", 0], ["1\ufeff", 1], ["// c\n1", 0], ["1/**/", 1], ["é", 0], ["[\"é\",\"\\é\"]", 8],
];

// bytes between quotes, offset of the first byte of the malformed sequence
const BAD_UTF8: [number[], number][] = [
  [[0x80], 1], [[0xbf], 1], [[0xff], 1], [[0xfe], 1], [[0xc0, 0x80], 1], [[0xc1, 0xbf], 1], [[0xc3], 1], [[0x61, 0xc3], 2],
  [[0xe0, 0x80, 0x80], 1], [[0xe0, 0x9f, 0xbf], 1], [[0xed, 0xa0, 0x80], 1], [[0xed, 0xbf, 0xbf], 1], [[0xe2, 0x82], 1],
  [[0xe2, 0x28, 0xa1], 1], [[0xe2, 0x82, 0x28], 1], [[0xf0, 0x80, 0x80, 0x80], 1], [[0xf0, 0x8f, 0xbf, 0xbf], 1],
  [[0xf4, 0x90, 0x80, 0x80], 1], [[0xf5, 0x80, 0x80, 0x80], 1], [[0xf0, 0x9f, 0x98], 1], [[0xf0, 0x9f, 0x98, 0x28], 1],
  [[0xf8, 0x88, 0x80, 0x80, 0x80], 1], [[0xc3, 0xa9, 0xe9], 3], [[0x5c, 0x6e, 0xe9], 3], [[0x5c, 0x6e, 0xed, 0xa0, 0x80], 3],
  [[0x5c, 0xc3, 0xa9], 2],
];

const ACCEPTED: string[] = [
  "0", "-0", "1", "-1", "10", "0.5", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "1.25e10", "0e0", "1e999", "1e-999", "123456789012345678901234567890",
  "true", "false", "null", " null ", "\r\n\t 1 \t\r\n", "\"\"", "\"a\"", "\"\u007f\"", "\"\u2028\u2029\"", "\"\ufeff\"", "\"\ufeffa\ufeff\"", "\"\\ufeff!\"",
  "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\\u0041\\u00e9\\u20AC\\uFFFF\"", "\"\\ud83d\\ude00\"", "\"\\uDBFF\\uDFFF\"", "\"\\ud800\\udc00\"",
  "\"é€😀\u{10ffff}\u{10000}\u07ff\u0800\ud7ff\ue000\"", "\"\\n😀\\u0041é\"", "\"/\"",
  "[]", "[ ]", "[[]]", "[1,2]", "[ 1 , 2 ]", "[[],[[]],{}]", "[null,1,\"1\",{}]", "[1e1]",
  "{}", "{ }", "{\"\":0}", "{\"a\":{\"b\":[{}]}}", " { \"a\" : 1 , \"b\" : [ ] } ", "{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"a\":3}",
  "{\"\\u0061\":1,\"a\":2}", "{\"__proto__\":{\"x\":1}}", "{\"__proto__\":1,\"constructor\":2,\"toString\":3}",
  "{\"a\":[1,{\"b\":2}],\"c\":3}", "[[1,2],[3,[4]],5]",
];

describe("malformed", () => {
  for (const [json, offset] of MALFORMED) {
    test(JSON.stringify(json), () => {
      expect(() => JSON.parse(json)).toThrow();
      const bytes = utf8(json);
      const error = failure(bytes);
      expect(error.offset).toBe(offset);
      const byte = bytes[offset];
      const what = byte === undefined ? "unexpected end" : "unexpected byte 0x" + byte.toString(16).padStart(2, "0");
      expect(error.message).toBe(`${what} at byte ${offset}`);
    });
  }
  for (const [content, offset] of BAD_UTF8) {
    test("UTF-8 " + content.map((b) => b.toString(16)).join(" "), () => {
      const error = failure(quoted(...content));
      expect(error.offset).toBe(offset);
      expect(error.message).toContain(content[offset - 1] === 0x5c || content[0] === 0x5c && offset === 2 ? "unexpected byte" : "invalid UTF-8");
    });
    test("UTF-8 cut off after " + content.map((b) => b.toString(16)).join(" "), () => {
      expect(failure(quoted(...content).subarray(0, content.length + 1)).offset).toBeLessThanOrEqual(content.length + 1);
    });
  }
});

describe("accepted", () => {
  for (const json of ACCEPTED) {
    test(JSON.stringify(json), () => expect(plain(parseText(json))).toEqual(JSON.parse(json)));
  }

  test("every prefix of a text is refused, or is what JSON.parse accepts", () => {
    for (const json of ACCEPTED) {
      const bytes = utf8(json);
      for (let length = 0; length < bytes.length; length++) {
        let good = true;
        try { JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length))); } catch { good = false; }
        if (good) parseJson(bytes, 0, length);
        else expect(failure(bytes.subarray(0, length)).offset).toBeLessThanOrEqual(length);
      }
    }
  });

  test("an unpaired surrogate escape is U+FFFD", () => {
    for (const [json, wanted] of [
      ["\"\\ud800\"", "\ufffd"], ["\"\\udfff\"", "\ufffd"], ["\"\\ud83dx\"", "\ufffdx"], ["\"\\ud83d\\n\"", "\ufffd\n"],
      ["\"\\ude00\\ud83d\"", "\ufffd\ufffd"], ["\"\\ud83d\\ud83d\\ude00\"", "\ufffd😀"], ["\"\\ud83d\\u0041\"", "\ufffdA"],
    ] as const) {
      expect(parseText(json).asString()).toBe(wanted);
    }
  });

  test("a number keeps its text", () => {
    for (const json of ["1.0", "9007199254740993", "-0", "1E+2", "0.10", "1e999"]) {
      const value = parseText(` ${json} `);
      expect(value.kind).toBe(JsonKind.number);
      expect(value.text).toBe(json);
    }
  });

  test("the text may lie within a larger buffer, which stays as it is", () => {
    const bytes = utf8("xx[\"\\n\",1]yy");
    const before = bytes.slice();
    const value = parseJson(bytes, 2, bytes.length - 2);
    expect(bytes).toEqual(before);
    bytes.fill(0);
    expect(plain(value)).toEqual(["\n", 1]);
    expect(failure(utf8("xx[1]yy").subarray(2)).offset).toBe(3);
  });
});

describe("limits", () => {
  test("depth", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    parseText(nested(MAX_DEPTH));
    expect(failure(utf8(nested(MAX_DEPTH + 1))).offset).toBe(MAX_DEPTH);
    expect(failure(utf8("[".repeat(100_000))).offset).toBe(MAX_DEPTH);
    expect(failure(utf8("{\"a\":".repeat(100_000))).message).toContain("nested deeper than 512");
    // Siblings do not add up.
    parseText("[" + "[],{},".repeat(2000) + "0]");
  });

  test("number of values", () => {
    const ones = (count: number) => "[" + "1,".repeat(count - 2) + "1]";
    parseText(ones(MAX_VALUES));
    expect(failure(utf8(ones(MAX_VALUES + 1))).message).toContain("more than 100000 values");
    const members = (count: number) => "{" + "\"a\":1,".repeat(count - 1) + "\"a\":1}";
    parseText(members(MAX_VALUES / 2 - 1));
    expect(failure(utf8(members(MAX_VALUES / 2))).message).toContain("values");
  });

  test("length of a number", () => {
    expect(parseText("1".repeat(MAX_NUMBER)).text.length).toBe(MAX_NUMBER);
    expect(failure(utf8("[" + "1".repeat(MAX_NUMBER + 1) + "]")).offset).toBe(1);
    expect(failure(utf8("0." + "1".repeat(MAX_NUMBER))).message).toContain("number longer than 4300 bytes");
  });
});
