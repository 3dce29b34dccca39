import { expect, test } from "bun:test";
import fc from "fast-check";
import { partHead, partsEnd, partsLength } from "../../http/byteranges.ts";
import { Conditions, Outcome, select } from "../../http/conditional.ts";
import { httpDate } from "../../http/date.ts";
import { parseRanges } from "../../http/range.ts";

const SIZE = 13;
const MTIME = 784_111_777;
const DATE = httpDate(MTIME);
const OLDER = httpDate(MTIME - 1);
const NEWER = httpDate(MTIME + 1);

interface Headers { range?: string; ifRange?: string; ifMatch?: string; ifNoneMatch?: string; ifModifiedSince?: string; ifUnmodifiedSince?: string }

const conditions = (h: Headers): Conditions =>
  new Conditions(h.range ?? "", h.ifRange ?? "", h.ifMatch ?? "", h.ifNoneMatch ?? "", h.ifModifiedSince ?? "", h.ifUnmodifiedSince ?? "");

/** Outcome, and what it goes with. */
function answer(headers: Headers, size = SIZE, mtime = MTIME): unknown[] {
  const { outcome, ranges, contentRange, message } = select(conditions(headers), size, mtime);
  return [outcome, ...(contentRange === "" ? [] : [contentRange]), ...(ranges.length > 1 ? ranges.map((range) => range.contentRange(size)) : []), ...(message === "" ? [] : [message])];
}

const { FULL, PARTIAL, NOT_MODIFIED, PRECONDITION_FAILED, UNSATISFIABLE } = { FULL: Outcome.FULL, PARTIAL: Outcome.PARTIAL, NOT_MODIFIED: Outcome.NOT_MODIFIED, PRECONDITION_FAILED: Outcome.PRECONDITION_FAILED, UNSATISFIABLE: Outcome.UNSATISFIABLE };
const BEYOND = [UNSATISFIABLE, "bytes */13", "invalid range: failed to overlap"];
const INVALID = [UNSATISFIABLE, "invalid range"];

const ranges: [string, unknown[]][] = [
  ["bytes=0-4", [PARTIAL, "bytes 0-4/13"]],
  ["bytes=10-", [PARTIAL, "bytes 10-12/13"]],
  ["bytes=-3", [PARTIAL, "bytes 10-12/13"]],
  ["bytes=5-999", [PARTIAL, "bytes 5-12/13"]],
  ["bytes=-999", [PARTIAL, "bytes 0-12/13"]],
  ["bytes=0-0,12-12", [PARTIAL, "bytes 0-0/13", "bytes 12-12/13"]],
  ["bytes=0-12,0-12", [FULL]],
  ["bytes=0-5,6-12", [PARTIAL, "bytes 0-5/13", "bytes 6-12/13"]],
  ["bytes=99-", BEYOND],
  ["bytes=13-", BEYOND],
  ["bytes=99-x", BEYOND],
  ["bytes=-0", BEYOND],
  ["bytes=99-,0-0", [PARTIAL, "bytes 0-0/13"]],
  ["bytes= 0 - 4 , ,", [PARTIAL, "bytes 0-4/13"]],
  ["bytes=", [FULL]],
  ["bytes=,", [FULL]],
  ["bytes=0-9223372036854775807", [PARTIAL, "bytes 0-12/13"]],
  ...["bytes=5-2", "items=0-1", "bytes=a-b", "bytes=x-", "bytes=-", "bytes=5", "bytes=--5", "bytes=0-4-", "bytes=0-4,x", "Bytes=0-4", "bytes 0-4", "bytes=0-99999999999999999999", "bytes=0x1-2", "bytes=é-"]
    .map((range): [string, unknown[]] => [range, INVALID]),
];

for (const [range, wanted] of ranges) test(`RNG-01 to RNG-07: ${range}`, () => expect(answer({ range })).toEqual(wanted));

test("RNG-08: a range of an empty file", () => {
  for (const range of ["bytes=0-", "bytes=-5", "bytes=5-9"]) expect(answer({ range }, 0)).toEqual([FULL]);
  expect(answer({ range: "bytes=5-2" }, 0)).toEqual([FULL]);
  expect(answer({ range: "items=0-1" }, 0)).toEqual(INVALID);
});

const RANGE = "bytes=0-4";
const PART = [PARTIAL, "bytes 0-4/13"];

const cases: [string, Headers, unknown[]][] = [
  ["nothing", {}, [FULL]],
  ["RNG-09: If-Range is the time", { range: RANGE, ifRange: DATE }, PART],
  ["RNG-10: If-Range is older", { range: RANGE, ifRange: OLDER }, [FULL]],
  ["RNG-10: If-Range is newer", { range: RANGE, ifRange: NEWER }, [FULL]],
  ["RNG-10: If-Range is a tag", { range: RANGE, ifRange: "\"etag\"" }, [FULL]],
  ["If-Range is a tag, and the range malformed", { range: "x", ifRange: "\"etag\"" }, [FULL]],
  ["If-Range without Range", { ifRange: DATE }, [FULL]],
  ["RNG-11: If-Modified-Since is the time", { ifModifiedSince: DATE }, [NOT_MODIFIED]],
  ["If-Modified-Since is newer, with a range", { ifModifiedSince: NEWER, range: RANGE }, [NOT_MODIFIED]],
  ["If-Modified-Since is older", { ifModifiedSince: OLDER, range: RANGE }, PART],
  ["If-Modified-Since is no date", { ifModifiedSince: "yesterday" }, [FULL]],
  ["RNG-12: If-None-Match: *", { ifNoneMatch: "*" }, [NOT_MODIFIED]],
  ["If-None-Match with a * in it", { ifNoneMatch: "\"x\" , *" }, [NOT_MODIFIED]],
  ["RNG-12: If-None-Match with a time that matches", { ifNoneMatch: "\"x\"", ifModifiedSince: DATE }, [FULL]],
  ["RNG-13: If-Unmodified-Since is older", { ifUnmodifiedSince: OLDER }, [PRECONDITION_FAILED]],
  ["If-Unmodified-Since is the time", { ifUnmodifiedSince: DATE }, [FULL]],
  ["If-Unmodified-Since is no date", { ifUnmodifiedSince: "x" }, [FULL]],
  ["If-Match with a tag", { ifMatch: "\"x\"" }, [PRECONDITION_FAILED]],
  ["If-Match with *, whatever the time", { ifMatch: "*", ifUnmodifiedSince: OLDER }, [FULL]],
  ["412 before 304", { ifMatch: "W/\"x\"", ifNoneMatch: "*" }, [PRECONDITION_FAILED]],
  ["412 before 416", { ifUnmodifiedSince: OLDER, range: "x" }, [PRECONDITION_FAILED]],
];

for (const [name, headers, wanted] of cases) test(name, () => expect(answer(headers)).toEqual(wanted));

test("times are compared in whole seconds", () => {
  expect(answer({ ifModifiedSince: DATE }, SIZE, MTIME + 0.999)).toEqual([NOT_MODIFIED]);
  expect(answer({ ifUnmodifiedSince: DATE }, SIZE, MTIME + 0.999)).toEqual([FULL]);
  expect(answer({ range: RANGE, ifRange: DATE }, SIZE, MTIME + 0.5)).toEqual(PART);
});

test("a file without a time has none to compare", () => {
  expect(answer({ ifModifiedSince: DATE }, SIZE, 0)).toEqual([FULL]);
  expect(answer({ ifUnmodifiedSince: OLDER }, SIZE, 0)).toEqual([FULL]);
});

test("what keeps a response from being coded", () => {
  expect(conditions({}).needsIdentity).toBe(false);
  expect(conditions({ ifMatch: "*", ifUnmodifiedSince: DATE }).needsIdentity).toBe(false);
  for (const name of ["range", "ifRange", "ifModifiedSince", "ifNoneMatch"]) expect(conditions({ [name]: "x" }).needsIdentity).toBe(true);
});

test("RNG-14: many ranges are the whole", () => {
  const many = (count: number): string => `bytes=${Array.from({ length: count }, (_, i) => `${i}-${i}`).join()}`;
  expect(parseRanges(many(256), 1e6).list.length).toBe(256);
  expect(parseRanges(many(257), 1e6)).toMatchObject({ list: [], error: "" });
  expect(parseRanges(many(10_000), 1e6)).toMatchObject({ list: [], error: "" });
  expect(parseRanges(`${many(10_000)},x`, 1e6)).toMatchObject({ list: [], error: "invalid range" });
  expect(parseRanges(`bytes=${"é".repeat(9)}${",".repeat(1e6)}`, 13).error).toBe("invalid range");
});

test("every range lies within the content, and all of them are no more than it", () => {
  const number = fc.oneof(fc.constant(""), fc.nat(30).map(String), fc.constantFrom("9007199254740993", "x"));
  fc.assert(fc.property(fc.array(fc.tuple(number, number), { maxLength: 5 }), fc.nat(20), (pairs, size) => {
    const { list, error } = parseRanges(`bytes=${pairs.map((pair) => pair.join("-")).join(",")}`, size);
    for (const { start, length } of list) expect(start >= 0 && length > 0 && start + length <= size).toBe(true);
    expect(list.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(size);
    if (error !== "") expect(list).toEqual([]);
  }), { numRuns: 10_000 });
});

test("parts are as long as was said, and are what they should be", () => {
  const { list } = parseRanges("bytes=0-0,12-12", SIZE);
  const content = "abcdefghijklm";
  const whole = list.map((range, index) => partHead("BOUND", index, "text/plain", range, SIZE) + content.slice(range.start, range.start + range.length)).join("") + partsEnd("BOUND");
  expect(whole.length).toBe(partsLength("BOUND", "text/plain", list, SIZE));
  expect(whole).toBe(
    "--BOUND\r\nContent-Range: bytes 0-0/13\r\nContent-Type: text/plain\r\n\r\na" +
    "\r\n--BOUND\r\nContent-Range: bytes 12-12/13\r\nContent-Type: text/plain\r\n\r\nm\r\n--BOUND--\r\n",
  );
});
