/** Files that are written in place: inode, hard links, mode and symbolic links to them stay. */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOCTTY = 0o400;
const O_TRUNC = 0o1000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const FLAGS = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
const MODE = 0o666;

/** A file opened for writing, empty. The caller owns the descriptor. */
export class OpenedFile {
  readonly fd: number;
  /** Whether it was not there before. */
  readonly isNew: boolean;

  constructor(fd: number, isNew: boolean) {
    this.fd = fd;
    this.isNew = isNew;
  }
}

/**
 * Opens a file for writing and makes it empty; one that is missing is made, with mode 0666 less the umask. Symbolic links
 * are followed, also to make what one points to. Never waits: a FIFO without a reader is ENXIO, and writing to what
 * takes no more is EAGAIN. Throws SysError.
 */
export function openForOverwrite(path: string): OpenedFile {
  const name = cstring(path);
  const address = addressOf(name);
  const made = call(Call.open, address, FLAGS | O_CREAT | O_EXCL, MODE);
  if (made !== -Errno.EEXIST) return new OpenedFile(check(made, "open", path), true);
  // Without O_CREAT: with it the kernel refuses somebody else's file in a directory like /tmp, fs.protected_regular.
  const found = call(Call.open, address, FLAGS | O_TRUNC, 0);
  if (found !== -Errno.ENOENT) return new OpenedFile(check(found, "open", path), false);
  // A symbolic link to nothing.
  return new OpenedFile(check(call(Call.open, address, FLAGS | O_CREAT | O_TRUNC, MODE), "open", path), true);
}
