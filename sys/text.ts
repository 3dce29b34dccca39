/** Small files as text: what /proc and /sys show and take, and files that are replaced in one step. */
import { addressOf, call } from "#libc";
import { cstring, decodeText, encodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { close } from "./file.ts";
import { readWhole, replaceWhole } from "./whole-file.ts";

const O_WRONLY = 1;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;
const LINE_MAX = 4096;

/** Reads a file whole; files of proc(5), which do not know their size, too. Throws SysError, EFBIG over `limit` bytes. */
export function readText(path: string, limit: number): string {
  const bytes = readWhole(path, limit);
  return decodeText(bytes, 0, bytes.length);
}

/** The first line of a small file, without what is white around it; undefined where there is no such file. Throws SysError. */
export function readLine(path: string): string | undefined {
  try {
    return (readText(path, LINE_MAX).split("\n").at(0) ?? "").trim();
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
    return undefined;
  }
}

/** Writes a text with one write(2) to a file that is there already: a setting of proc(5) or sysfs(5). Throws SysError. */
export function writeSetting(path: string, text: string): void {
  const name = cstring(path);
  const fd = check(call(Call.open, addressOf(name), O_WRONLY | O_NOCTTY | O_CLOEXEC, 0), "open", path);
  const bytes = encodeText(text);
  const result = call(Call.write, fd, addressOf(bytes), bytes.length);
  close(fd);
  check(result, "write", path);
}

/** Puts a file with this text and mode in place of what a path names; `replaceWhole` says how. Throws SysError. */
export function replaceText(path: string, text: string, mode: number): void {
  replaceWhole(path, encodeText(text), mode);
}
