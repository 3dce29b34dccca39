/** Small files as a whole: read, replaced in one step, and those that lines are added to. */
import { addressOf, call } from "#libc";
import { cstring, encodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { close, openForReading, read, unlink } from "./file.ts";
import { writeFully } from "./stdio.ts";

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOCTTY = 0o400;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
/** The kernel's command line is shorter, for which the first memory of all does, that needs no system call. */
const FIRST_ROOM = 480;
const SECOND_ROOM = 4096;

/** The content of a file of at most `max` bytes, also one whose size nobody knows, as in /proc. Throws SysError. */
export function readWhole(path: string, max: number): Uint8Array {
  const fd = openForReading(path);
  try {
    let bytes = new Uint8Array(Math.min(FIRST_ROOM, max + 1));
    let length = 0;
    for (;;) {
      const count = check(read(fd, bytes, length, bytes.length - length), "read", path);
      if (count === 0) return bytes.slice(0, length);
      length += count;
      if (length > max) throw new SysError("read", Errno.EFBIG, path);
      if (length < bytes.length) continue;
      const larger = new Uint8Array(Math.min(Math.max(bytes.length * 2, SECOND_ROOM), max + 1));
      larger.set(bytes);
      bytes = larger;
    }
  } finally {
    close(fd);
  }
}

/**
 * Puts a file of this content and mode in the place of what `path` names, a symbolic link itself where it is one:
 * either all of it or nothing happens. The temporary beside it has a fixed name, `PATH.new`, so that one that a power
 * cut left is taken away by the next, and nobody waits for the kernel's random numbers. One process at a time. Throws
 * SysError.
 */
export function replaceWhole(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.new`;
  unlink(temporary);
  const from = cstring(temporary);
  const to = cstring(path);
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const fd = check(call(Call.open, addressOf(from), flags, 0o600), "open", temporary);
  const written = writeFully(fd, bytes, 0, bytes.length);
  const changed = call(Call.fchmod, fd, mode, 0);
  const closed = call(Call.close, fd, 0, 0);
  try {
    check(written, "write", temporary);
    check(changed, "chmod", temporary);
    check(closed, "close", temporary);
    const renamed = call(Call.rename, addressOf(from), addressOf(to), 0);
    if (renamed < 0) throw new SysError("rename", -renamed, temporary, path);
  } catch (error) {
    unlink(temporary);
    throw error;
  }
}

/**
 * Writes a file anew in place, as one that is a mount has to be; made where it is missing, with mode 0644 less the umask.
 * It is never empty meanwhile, and keeps its length where writing fails. Throws SysError.
 */
export function overwriteWhole(path: string, bytes: Uint8Array): void {
  const name = cstring(path);
  const flags = O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const fd = check(call(Call.open, addressOf(name), flags, 0o644), "open", path);
  let result = writeFully(fd, bytes, 0, bytes.length);
  if (result === 0) result = call(Call.ftruncate, fd, bytes.length, 0);
  const closed = close(fd);
  check(result, "write", path);
  check(closed, "close", path);
}

/** Writes what a file of the kernel's is to say, one in /proc/sys or of a control group. Returns 0 or -errno. */
export function writeValue(path: string, text: string): number {
  const name = cstring(path);
  const fd = call(Call.open, addressOf(name), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  const bytes = encodeText(text);
  const written = call(Call.write, fd, addressOf(bytes), bytes.length);
  close(fd);
  return Math.min(written, 0);
}

/** Adds bytes at the end of a file that is there already. Throws SysError. */
export function appendWhole(path: string, bytes: Uint8Array): void {
  const name = cstring(path);
  const fd = check(call(Call.open, addressOf(name), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC, 0), "open", path);
  const written = writeFully(fd, bytes, 0, bytes.length);
  close(fd);
  check(written, "write", path);
}

/**
 * Adds a line to a file or a device without waiting; what a slow device does not take is lost. `creates`: a file that
 * is missing is made, with mode 0644. A terminal does not become the process's own. Returns false where the line, or a
 * part of it, was not taken.
 */
export function addLine(path: string, line: string, creates: boolean): boolean {
  const name = cstring(path);
  const flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const fd = call(Call.open, addressOf(name), creates ? flags | O_CREAT : flags, 0o644);
  if (fd < 0) return false;
  const bytes = encodeText(`${line}\n`);
  const written = call(Call.write, fd, addressOf(bytes), bytes.length);
  close(fd);
  return written === bytes.length;
}
