/**
 * Extended attributes of files, xattr(7), of what a path names, symbolic links followed; that of an open file is
 * /proc/self/fd/N. A file system without them fails with EOPNOTSUPP.
 */
import { addressOf, call, call6 } from "#libc";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { indexOfByte } from "./search.ts";

/** The kernel's limit on all the names of a file; XATTR_LIST_MAX. */
const LIST_MAX = 65536;

/** Sets an attribute, in place of what it was. Throws SysError, such as ENOSPC, EDQUOT, E2BIG. */
export function setAttribute(path: string, attribute: string, value: Uint8Array): void {
  const file = cstring(path);
  const name = cstring(attribute);
  check(call6(Call.setxattr, addressOf(file), addressOf(name), addressOf(value), value.length, 0, 0), "setxattr", path);
}

/**
 * An attribute's value, of at most `max` bytes, one or more; undefined where the file has none of the name. Throws
 * SysError, ERANGE over `max`.
 */
export function getAttribute(path: string, attribute: string, max: number): Uint8Array | undefined {
  const file = cstring(path);
  const name = cstring(attribute);
  const value = new Uint8Array(max);
  const length = call6(Call.getxattr, addressOf(file), addressOf(name), addressOf(value), max, 0, 0);
  if (length === -Errno.ENODATA) return undefined;
  return value.slice(0, check(length, "getxattr", path));
}

/** The names of a file's attributes. Throws SysError. */
export function listAttributes(path: string): string[] {
  const file = cstring(path);
  const names: string[] = [];
  // Mostly there are none.
  if (check(call(Call.listxattr, addressOf(file), 0, 0), "listxattr", path) === 0) return names;
  const list = new Uint8Array(LIST_MAX);
  const length = check(call(Call.listxattr, addressOf(file), addressOf(list), list.length), "listxattr", path);
  for (let start = 0; start < length; ) {
    const end = indexOfByte(list, start, length, 0);
    if (end < 0) break;
    names.push(fileText(list, start, end));
    start = end + 1;
  }
  return names;
}

/** Like `listAttributes`; none where they cannot be had. */
export function knownAttributes(path: string): string[] {
  try {
    return listAttributes(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return [];
  }
}

/** Like `getAttribute`; undefined where it cannot be had. */
export function knownAttribute(path: string, attribute: string, max: number): Uint8Array | undefined {
  try {
    return getAttribute(path, attribute, max);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return undefined;
  }
}

/** Removes an attribute. Returns false where the file has none of the name. Throws SysError. */
export function removeAttribute(path: string, attribute: string): boolean {
  const file = cstring(path);
  const name = cstring(attribute);
  const result = call(Call.removexattr, addressOf(file), addressOf(name), 0);
  if (result !== -Errno.ENODATA) check(result, "removexattr", path);
  return result >= 0;
}
