import { expect, test } from "bun:test";
import fc from "fast-check";
import { posix } from "node:path";
import { absolutePath, directoryOf } from "../../sys/path.ts";

test.each([
  ["/a/../b", "/b"], ["/..", "/"], ["/", "/"], ["///a//b/", "/a/b"], ["//a", "//a"], ["/a/./b/../../c", "/c"],
  ["x/../y", `${process.cwd()}/y`],
])("%s is %s", (path, absolute) => {
  expect(absolutePath(path)).toBe(absolute);
});

test("it is what path.resolve makes of it, but for two leading slashes", () => {
  const part = fc.constantFrom("a", "b.c", "..", ".", "", "é");
  fc.assert(fc.property(fc.array(part, { minLength: 1 }), fc.boolean(), (parts, isAbsolute) => {
    const path = `${isAbsolute ? "/" : "./"}${parts.join("/")}`;
    expect(absolutePath(path).replace(/^\/\//, "/")).toBe(posix.resolve(path));
  }));
});

test.each([["/a/b", "/a"], ["/a", "/"], ["/", "/"]])("%s lies in %s", (path, directory) => {
  expect(directoryOf(path)).toBe(directory);
});
