import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EntryKind, listDirectory } from "../../sys/directory.ts";
import { Errno } from "../../sys/errno.ts";
import { readLine, readText, replaceText, writeSetting } from "../../sys/text.ts";
import { makeFifo, remove, scratchDirectory } from "../scratch.ts";
import { errnoOf } from "./errno-of.ts";

const scratch = scratchDirectory();
afterAll(() => remove(scratch));

test.each([0, 1, 4095, 4096, 4097, 16384, 100000])("a file of %d bytes is read whole, up to the limit", (size) => {
  const path = join(scratch, "sized");
  const text = "x".repeat(size);
  writeFileSync(path, text);
  expect(readText(path, size)).toBe(text);
  if (size > 0) expect(errnoOf(() => readText(path, size - 1))).toBe(Errno.EFBIG);
});

test("a file without a size is read whole", () => {
  expect(readText("/proc/self/status", 65536)).toContain("Name:");
});

test("a line, or none", () => {
  writeFileSync(join(scratch, "line"), " 17\t\nmore\n");
  expect(readLine(join(scratch, "line"))).toBe("17");
  expect(readLine(join(scratch, "nothing"))).toBeUndefined();
  expect(errnoOf(() => readLine(join(scratch, "line", "below")))).toBe(Errno.ENOTDIR);
});

test("a setting is written to what is there, and nothing is made", () => {
  const path = join(scratch, "setting");
  expect(errnoOf(() => writeSetting(path, "1"))).toBe(Errno.ENOENT);
  writeFileSync(path, "0");
  writeSetting(path, "1");
  expect(readFileSync(path, "utf8")).toBe("1");
});

test("a file is replaced with its mode, and nothing is left beside it", () => {
  const directory = join(scratch, "replace");
  mkdirSync(directory);
  const path = join(directory, "flag");
  replaceText(path, "true", 0o444);
  writeFileSync(`${path}.new`, "cut off");
  chmodSync(`${path}.new`, 0o400);
  replaceText(path, "false", 0o444);
  expect(readFileSync(path, "utf8")).toBe("false");
  expect(statSync(path).mode & 0o7777).toBe(0o444);
  expect(readdirSync(directory)).toEqual(["flag"]);
});

test("a file that cannot be replaced is left, and nothing beside it", () => {
  const directory = join(scratch, "fail");
  mkdirSync(join(directory, "flag", "inside"), { recursive: true });
  expect(errnoOf(() => replaceText(join(directory, "flag"), "true", 0o444))).toBeGreaterThan(0);
  expect(readdirSync(directory)).toEqual(["flag"]);
});

test("a link in the way is replaced, not followed", () => {
  const target = join(scratch, "target");
  writeFileSync(target, "old");
  symlinkSync(target, join(scratch, "link"));
  symlinkSync(target, join(scratch, "link.new"));
  replaceText(join(scratch, "link"), "new", 0o644);
  expect([readFileSync(target, "utf8"), readFileSync(join(scratch, "link"), "utf8")]).toEqual(["old", "new"]);
});

test("a directory's entries and what they are", () => {
  const directory = join(scratch, "list");
  mkdirSync(join(directory, "d"), { recursive: true });
  writeFileSync(join(directory, "f é"), "");
  symlinkSync("d", join(directory, "l"));
  makeFifo(join(directory, "p"));
  const entries = listDirectory(directory).map((entry) => [entry.name, entry.kind] as const);
  expect(entries.sort()).toEqual([["d", EntryKind.DIRECTORY], ["f é", EntryKind.FILE], ["l", EntryKind.LINK], ["p", 1]]);
});

test("more entries than one call returns", () => {
  const directory = join(scratch, "many");
  mkdirSync(directory);
  for (let i = 0; i < 3000; i++) writeFileSync(join(directory, `name-${i}`), "");
  expect(listDirectory(directory).map((entry) => entry.name).sort()).toEqual(readdirSync(directory).sort());
});

test("what is no directory, or not there", () => {
  writeFileSync(join(scratch, "plain"), "");
  expect(errnoOf(() => listDirectory(join(scratch, "plain")))).toBe(Errno.ENOTDIR);
  expect(errnoOf(() => listDirectory(join(scratch, "gone")))).toBe(Errno.ENOENT);
});
