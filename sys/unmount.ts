/** Taking the file systems of a machine apart: swapoff(2), umount2(2), the root read-only; proc_pid_mountinfo(5). */
import { addressOf, call, call6 } from "#libc";
import { cstring, decodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno, SysError } from "./errno.ts";
import { close, openForReading, read } from "./file.ts";

const MNT_DETACH = 2;
const MS_RDONLY = 1;
const MS_REMOUNT = 32;
/** What stays mounted: the root, and what the last steps need. */
const KEPT = ["/", "/proc", "/sys", "/dev"];
/** The columns that hold the path. */
const MOUNTINFO_COLUMN = 4;
const SWAPS_COLUMN = 0;

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const SLASH = 47;
const BACKSLASH = 92;
const ZERO = 48;

/**
 * The absolute paths in a column of a table of /proc, as C strings, from its last line to its first. The kernel writes
 * blanks and backslashes in them as three octal digits.
 */
export function pathsBackwards(table: Uint8Array, wanted: number): Uint8Array[] {
  const paths: Uint8Array[] = [];
  let column = 0;
  let start = 0;
  for (let i = 0; i < table.length; i++) {
    const byte = table[i] ?? 0;
    if (byte !== SPACE && byte !== TAB && byte !== NEWLINE) continue;
    if (column === wanted && table[start] === SLASH) paths.push(unescapedPath(table, start, i));
    start = i + 1;
    column = byte === NEWLINE ? 0 : column + 1;
  }
  return paths.reverse();
}

function unescapedPath(table: Uint8Array, start: number, end: number): Uint8Array {
  const path = new Uint8Array(end - start + 1);
  let length = 0;
  for (let i = start; i < end && length < path.length; i++) {
    let byte = table[i] ?? 0;
    if (byte === BACKSLASH && i + 3 < end) {
      byte = 0;
      for (let digit = i + 1; digit <= i + 3 && digit < table.length; digit++) byte = byte * 8 + (table[digit] ?? 0) - ZERO;
      i += 3;
    }
    path[length] = byte;
    length++;
  }
  return path.slice(0, length + 1);
}

/** All that a file of /proc holds; nothing where it cannot be read. */
function contents(path: string): Uint8Array {
  let bytes = new Uint8Array(8192);
  let length = 0;
  try {
    const fd = openForReading(path);
    for (;;) {
      const count = read(fd, bytes, length, bytes.length - length);
      if (count <= 0) break;
      length += count;
      if (length < bytes.length) continue;
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
    close(fd);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return bytes.slice(0, length);
}

/** Everything mounted but what is kept, the last first. */
function mountPoints(): Uint8Array[] {
  const points: Uint8Array[] = [];
  for (const path of pathsBackwards(contents("/proc/self/mountinfo"), MOUNTINFO_COLUMN)) {
    if (!KEPT.includes(decodeText(path, 0, path.length - 1))) points.push(path);
  }
  return points;
}

/**
 * What is to be taken apart, read where it is made. The methods only make calls, any of which may block for as long as a
 * disk does.
 */
export class Teardown {
  private readonly swaps = pathsBackwards(contents("/proc/swaps"), SWAPS_COLUMN);
  private readonly mounts = mountPoints();
  private readonly root = cstring("/");

  /** Ends the use of every swap area. */
  swapOff(): void {
    for (const path of this.swaps) call(Call.swapoff, addressOf(path), 0, 0);
  }

  /** Unmounts; what is still busy once all the others are gone is taken out of sight, to end with its last user. */
  unmount(): void {
    for (let round = 0; round < 2; round++) {
      for (const path of this.mounts) {
        const address = addressOf(path);
        const result = call(Call.umount2, address, 0, 0);
        if (result === -Errno.EBUSY && round > 0) call(Call.umount2, address, MNT_DETACH, 0);
      }
    }
  }

  /** Makes the root read-only. Returns false where that failed, such as for a file that is open for writing. */
  sealRoot(): boolean {
    return call6(Call.mount, 0, addressOf(this.root), 0, MS_REMOUNT + MS_RDONLY, 0, 0) >= 0;
  }
}
