import { expect, test } from "bun:test";
import fc from "fast-check";
import { JsonError, parseJson } from "../../json/parse.ts";
import { printJson } from "../../json/print.ts";
import { JsonValue } from "../../json/value.ts";
import { parseText, plain, text, utf8, wellFormed } from "./oracle.ts";

const RUNS = { numRuns: 3000 };

const key = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "__proto__", "a", "b", "1", "\ufeff", "\ud800"));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, "", 0, -1),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("\"", "\\", "/", "\b", "\f", "\n", "\r", "\t", "\0", "\x1f", "\x7f", "é", "€", "😀", "\ufeff", "\ud83d", "\ude00") }),
    fc.array(tie("value")),
    fc.dictionary(key, tie("value")),
  ),
})).value;

function built(value: unknown): JsonValue {
  if (typeof value === "boolean") return JsonValue.bool(value);
  if (typeof value === "number") return JsonValue.number(value);
  if (typeof value === "string") return JsonValue.string(value);
  if (Array.isArray(value)) return value.reduce<JsonValue>((list, item) => list.push(built(item)), JsonValue.array());
  if (value === null || typeof value !== "object") return JsonValue.null();
  return Object.entries(value).reduce((object, [name, member]) => object.set(name, built(member)), JsonValue.object());
}

/** The JSON text with every character outside ASCII, and some inside, as an escape. */
function escaped(jsonText: string): string {
  return jsonText.replace(/[^\x00-\x7e]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
}

test("parses what JSON.stringify prints", () => {
  fc.assert(fc.property(json, fc.constantFrom(undefined, 1, "\t", " \r\n"), (value, space) => {
    const source = JSON.stringify(value, null, space);
    expect(plain(parseText(source))).toEqual(wellFormed(JSON.parse(source)));
    expect(plain(parseText(escaped(source)))).toEqual(wellFormed(JSON.parse(source)));
  }), RUNS);
});

test("prints what JSON.stringify prints, whether parsed or built", () => {
  fc.assert(fc.property(json, (value) => {
    const wanted = JSON.stringify(wellFormed(value));
    expect(text(printJson(built(wellFormed(value))))).toBe(wanted);
    expect(text(printJson(parseText(wanted)))).toBe(wanted);
    // Unpaired surrogates never reach the output.
    expect(JSON.parse(text(printJson(built(value))))).toEqual(wellFormed(JSON.parse(JSON.stringify(value))));
  }), RUNS);
});

test("every name is found", () => {
  fc.assert(fc.property(fc.dictionary(key.map((name) => text(utf8(name))), fc.integer()), (wanted) => {
    const value = parseText(JSON.stringify(wanted));
    for (const [name, member] of Object.entries(wanted)) expect(value.get(name)?.asNumber()).toBe(member);
    expect([...value.entries().keys()]).toEqual(Object.keys(wanted));
  }), RUNS);
});

test("numbers keep text and value", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 30 });
  const number = fc.tuple(
    fc.constantFrom("", "-"),
    fc.oneof(fc.constant("0"), fc.tuple(fc.constantFrom(..."123456789"), digits).map((p) => p.join(""))),
    fc.oneof(fc.constant(""), digits.map((d) => "." + d)),
    fc.oneof(fc.constant(""), fc.tuple(fc.constantFrom("e", "E", "e+", "E-"), fc.integer({ min: 0, max: 999 })).map((p) => p.join(""))),
  ).map((parts) => parts.join(""));
  fc.assert(fc.property(number, (source) => {
    const value = parseText(`[${source}]`).items()[0];
    expect(value?.text).toBe(source);
    expect(value?.asNumber()).toBe(JSON.parse(source));
    expect(text(printJson(value ?? JsonValue.null()))).toBe(source);
  }), RUNS);
});

test("white space between tokens changes nothing", () => {
  const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
  fc.assert(fc.property(json, fc.array(space, { minLength: 1, maxLength: 20 }), (value, spaces) => {
    const source = JSON.stringify(wellFormed(value));
    let n = 0;
    const between = () => spaces[n++ % spaces.length] ?? "";
    const spaced = source.replace(/"(?:[^"\\]|\\.)*"|[-+.\w]+|./gsu, (token) => between() + token) + between();
    expect(text(printJson(parseText(spaced)))).toBe(source);
  }), RUNS);
});

/** Strict UTF-8 and JSON.parse: undefined where either refuses. */
function reference(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text(bytes)) };
  } catch {
    return undefined;
  }
}

function agrees(bytes: Uint8Array): void {
  const wanted = reference(bytes);
  let value: JsonValue;
  try {
    value = parseJson(bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    expect(wanted).toBeUndefined();
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    return;
  }
  expect(wanted).toBeDefined();
  expect(plain(value)).toEqual(wellFormed(wanted?.value));
  expect(plain(parseText(text(printJson(value))))).toEqual(plain(value));
}

test("mutated texts: accepted and refused as JSON.parse does", () => {
  const mutation = fc.record({ at: fc.nat(), cut: fc.nat({ max: 2 }), put: fc.oneof(fc.uint8Array({ maxLength: 2 }), fc.constantFrom(...["\"", "\\", "\\u", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", " ", "t", "\\ud800", "ff"].map(utf8))) });
  fc.assert(fc.property(json, fc.boolean(), fc.array(mutation, { minLength: 1, maxLength: 4 }), (value, ascii, mutations) => {
    const source = JSON.stringify(value);
    let bytes = [...utf8(ascii ? escaped(source) : source)];
    for (const { at, cut, put } of mutations) bytes.splice(at % (bytes.length + 1), cut, ...put);
    agrees(new Uint8Array(bytes));
  }), { numRuns: 20_000 });
});

test("token soup", () => {
  const token = fc.constantFrom(..."{}[],: \n\"\\0-1.eE+tfn", "true", "null", "\"a\"", "\"\\u0061\"", "1.5", "\"a\":", "é");
  fc.assert(fc.property(fc.string({ unit: token, maxLength: 12 }), (source) => agrees(utf8(source))), { numRuns: 20_000 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => agrees(new Uint8Array([0x22, ...bytes, 0x22]))), { numRuns: 20_000 });
});
