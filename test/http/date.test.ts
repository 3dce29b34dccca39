import { expect, test } from "bun:test";
import fc from "fast-check";
import { daysFromCivil, httpDate, parseHttpDate } from "../../http/date.ts";

const RUNS = { numRuns: 10_000 };
// Years 0 to 9999.
const seconds = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });

test("a date prints as Date does and reads back", () => {
  fc.assert(fc.property(seconds, (time) => {
    expect(httpDate(time)).toBe(new Date(time * 1000).toUTCString());
    expect(parseHttpDate(httpDate(time))).toBe(time);
  }), RUNS);
});

test("a fraction of a second is dropped", () => {
  expect(httpDate(784111777.999)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
  expect(httpDate(-0.5)).toBe("Wed, 31 Dec 1969 23:59:59 GMT");
});

test("days are those of Date", () => {
  fc.assert(fc.property(seconds, (time) => {
    const date = new Date(time * 1000);
    expect(daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(Math.floor(time / 86_400));
  }), RUNS);
});

test("the three forms of RFC 9110", () => {
  expect(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(784111777);
  expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT")).toBe(784111777);
  expect(parseHttpDate("Sun Nov  6 08:49:37 1994")).toBe(784111777);
  expect(parseHttpDate("Sun Nov 16 08:49:37 1994")).toBe(784975777);
});

test("two digits are of 1969 to 2068", () => {
  for (const [two, year] of [["69", 1969], ["99", 1999], ["00", 2000], ["68", 2068]] as const) {
    expect(parseHttpDate(`Monday, 01-Mar-${two} 00:00:00 GMT`)).toBe(Date.UTC(year, 2, 1) / 1000);
  }
});

for (const text of [
  "", "x", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
  "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:60 GMT", "unM, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:3x GMT",
  "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 94", "1994-11-06T08:49:37Z", "784111777", "Sun, 06 Nov 19é4 08:49:37 GMT", "Sun,é06 Nov 1994 08:49:37 GMT",
]) {
  test(`no date: ${JSON.stringify(text)}`, () => expect(parseHttpDate(text)).toBeUndefined());
}

test("any text is a date or none", () => {
  const unit = fc.constantFrom(..."0123456789 :,-GMTSunNovFeb_éxDYhms");
  fc.assert(fc.property(fc.string({ unit, maxLength: 32 }), (rest) => {
    expect(parseHttpDate(`Sun${rest}`)).toBeUndefined();
  }), RUNS);
});
