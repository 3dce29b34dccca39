import { expect, test } from "bun:test";
import { constants } from "node:os";
import { check, errnoText, SysError } from "../../sys/errno.ts";

test("texts are those of glibc, by number", () => {
  expect(errnoText(constants.errno.EPERM)).toBe("Operation not permitted");
  expect(errnoText(constants.errno.ENOENT)).toBe("No such file or directory");
  expect(errnoText(constants.errno.ELOOP)).toBe("Too many levels of symbolic links");
  expect(errnoText(constants.errno.EWOULDBLOCK)).toBe("Resource temporarily unavailable");
  expect(errnoText(constants.errno.EDQUOT)).toBe("Disk quota exceeded");
  expect(errnoText(133)).toBe("Memory page has hardware error");
});

test.each([0, -1, 41, 58, 134, 100_000])("%d has none", (errno) => {
  expect(errnoText(errno)).toBe(`Unknown error ${errno}`);
});

test("a negative result is thrown with its call and path", () => {
  expect(check(0, "open", "/x")).toBe(0);
  expect(() => check(-2, "open", "/x")).toThrow(SysError);
  expect(new SysError("open", 2, "/x").describe()).toBe("open /x: No such file or directory");
  expect(new SysError("fork", 11, "").describe()).toBe("fork: Resource temporarily unavailable");
});
