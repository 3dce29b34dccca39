/** The directories that lead to a file. */
import { addressOf, call6 } from "#libc";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno, SysError } from "./errno.ts";
import { close } from "./file.ts";

const O_CLOEXEC = 0o2000000;
/** Only a place in the file system: what may be passed through need not be readable. */
const O_PATH = 0o10000000;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const MODE = 0o755;
const SLASH = 47;

/** Something on the way is not a directory. */
export class NotDirectoryError extends Error {
  /** The path up to it. */
  readonly path: string;

  constructor(path: string) {
    super(path);
    this.path = path;
  }
}

/**
 * Makes a directory and those above it, as far as they are missing, with mode 0755 less the umask and an owner; those
 * that are there stay as they are. One that somebody else makes meanwhile is given to the owner too; envd-http.md 4. A
 * path is shorter than 4,096 bytes, which bounds how many. Throws NotDirectoryError or SysError.
 */
export function ensureDirectories(path: string, uid: number, gid: number): void {
  // The slash after a name asks for a directory.
  const name = cstring(`${path}/`);
  let directory = openPlace(AT_FDCWD, addressOf(name));
  // From one directory to the next: each time from the root would take the square of the time.
  if (directory === -Errno.ENOENT || directory === -Errno.ENOTDIR) directory = AT_FDCWD;
  else if (directory < 0) throw new SysError("open", -directory, path);
  else {
    close(directory);
    return;
  }
  let start = 0;
  for (let end = 0; end < name.length - 1; end++) {
    if (name[end] !== SLASH) continue;
    if (end > start || end === 0) {
      const next = name[end + 1] ?? 0;
      name[end + 1] = 0;
      const inner = enter(directory, addressOf(name) + start, uid, gid);
      name[end + 1] = next;
      if (directory >= 0) close(directory);
      directory = inner;
      if (inner < 0) throw failure(-inner, fileText(name, 0, end));
    }
    start = end + 1;
  }
  if (directory >= 0) close(directory);
}

function failure(errno: number, path: string): Error {
  return errno === Errno.ENOTDIR ? new NotDirectoryError(path) : new SysError("mkdir", errno, path);
}

function openPlace(directory: number, name: number): number {
  return call6(Call.openat, directory, name, O_PATH | O_CLOEXEC, 0, 0, 0);
}

/** Opens a directory in another, made if it is missing; `name` is the address of a C string. Returns -errno on failure. */
function enter(directory: number, name: number, uid: number, gid: number): number {
  const found = openPlace(directory, name);
  if (found !== -Errno.ENOENT) return found;
  const made = call6(Call.mkdirat, directory, name, MODE, 0, 0, 0);
  // Where the name is taken now, somebody was faster.
  if (made < 0 && made !== -Errno.EEXIST) return made;
  const inner = openPlace(directory, name);
  // A symbolic link to nothing.
  if (inner === -Errno.ENOENT) return -Errno.EEXIST;
  if (inner < 0) return inner;
  const itself = cstring("");
  const given = call6(Call.fchownat, inner, addressOf(itself), uid, gid, AT_EMPTY_PATH, 0);
  if (given >= 0) return inner;
  close(inner);
  return given;
}
