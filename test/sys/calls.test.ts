// The three tables of libc functions agree: calls.ts numbers them, native.c and bun/libc.ts hold them in that order.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (name: string): string => readFileSync(join(import.meta.dir, "../../sys", name), "utf8");

/** The rows between two marks, each as the pattern's groups. */
function rows(text: string, from: string, to: string, pattern: RegExp): string[][] {
  const start = text.indexOf(from);
  const body = text.slice(start, text.indexOf(to, start));
  return [...body.matchAll(pattern)].map((match) => match.slice(1));
}

const calls = rows(read("calls.ts"), "enum Call {", "}", /^ {2}(\w+),$/gm).map(([name]) => name ?? "");
const native = rows(read("native.c"), "table[] = {", "};", /^ {2}([IW])\((?:fixed_)?(\w+)\),$/gm);
const bun = rows(read("bun/libc.ts"), "const TABLE = {", "}", /^ {2}(\w+): (INT|WORD),$/gm);

test("the numbers are many and distinct", () => {
  expect(calls.length).toBeGreaterThan(40);
  expect(new Set(calls).size).toBe(calls.length);
});

test("native.c holds the functions in the order of calls.ts", () => {
  expect(native.map(([, name]) => name ?? "")).toEqual(calls);
});

test("bun/libc.ts holds the functions in the order of calls.ts", () => {
  expect(bun.map(([name]) => name ?? "")).toEqual(calls);
});

test("both take the same results for whole words", () => {
  // Declared int in C, but wrapped to return a word.
  const widened = ["fcntl", "ioctl", "open", "openat", "statx", "gmtime_r", "getcwd"];
  for (const [index, name] of calls.entries()) {
    if (widened.includes(name)) continue;
    expect([name, native[index]?.[0] === "W"]).toEqual([name, bun[index]?.[1] === "WORD"]);
  }
});
