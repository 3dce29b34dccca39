import { afterAll, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Errno } from "../../sys/errno.ts";
import { close, openForReading } from "../../sys/file.ts";
import { getAttribute, listAttributes, removeAttribute, setAttribute } from "../../sys/xattr.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { errnoOf } from "./errno-of.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));
const path = join(directory, "file");
writeFileSync(path, "");

test("attributes are what they were set to, and are listed", () => {
  const key = fc.stringMatching(/^[ -~]{1,20}$/).map((name) => `user.e2b.${name}`);
  fc.assert(fc.property(fc.dictionary(key, fc.uint8Array({ maxLength: 100 }), { maxKeys: 6 }), (wanted) => {
    for (const [name, value] of Object.entries(wanted)) setAttribute(path, name, value);
    expect(listAttributes(path).toSorted()).toEqual(Object.keys(wanted).toSorted());
    for (const [name, value] of Object.entries(wanted)) {
      expect(getAttribute(path, name, 100)).toEqual(value);
      expect(removeAttribute(path, name)).toBe(true);
    }
    expect(listAttributes(path)).toEqual([]);
  }));
});

test("links are followed, and an open file has a path", () => {
  const link = join(directory, "link");
  symlinkSync(path, link);
  setAttribute(link, "user.x", new Uint8Array([1]));
  const fd = openForReading(path);
  setAttribute(`/proc/self/fd/${fd}`, "user.x", new Uint8Array([2, 3]));
  close(fd);
  expect(getAttribute(path, "user.x", 2)).toEqual(new Uint8Array([2, 3]));
  expect(errnoOf(() => getAttribute(path, "user.x", 1))).toBe(Errno.ERANGE);
  expect(removeAttribute(path, "user.x")).toBe(true);
});

test("what is missing or impossible", () => {
  expect(getAttribute(path, "user.x", 10)).toBeUndefined();
  expect(removeAttribute(path, "user.x")).toBe(false);
  expect(errnoOf(() => listAttributes(join(directory, "no")))).toBe(Errno.ENOENT);
  expect(errnoOf(() => setAttribute("/proc/self/stat", "user.x", new Uint8Array(1)))).toBe(Errno.EOPNOTSUPP);
  expect(listAttributes("/proc/self/stat")).toEqual([]);
  expect(errnoOf(() => setAttribute(path, "user.x", new Uint8Array(60_000)))).toBe(Errno.ENOSPC);
});
