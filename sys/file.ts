/** Files: what open(2), statx(2), pread(2) and rename(2) give, with failures as SysError. */
import { addressOf, call, call6 } from "#libc";
import { cstring, stringAt } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { FileStatus } from "./status.ts";

const O_RDONLY = 0;
const O_WRONLY = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const FIONREAD = 0x541b;
const F_DUPFD_CLOEXEC = 1030;
const FIRST_FD = 3;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const PROGRAM_DIRECTORIES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function statx(dirfd: number, path: string, flags: number): FileStatus {
  return statName(dirfd, cstring(path), path, flags);
}

function statName(dirfd: number, name: Uint8Array, path: string, flags: number): FileStatus {
  const buffer = new Uint8Array(256);
  check(
    call6(Call.statx, dirfd, addressOf(name), flags, STATX_BASIC_STATS, addressOf(buffer), 0),
    "stat",
    path,
  );
  return new FileStatus(buffer);
}

/** The status of what a path names, symbolic links followed. */
export function stat(path: string): FileStatus {
  return statx(AT_FDCWD, path, 0);
}

/** The status of what a path names, a symbolic link itself where it is one. */
export function lstat(path: string): FileStatus {
  return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
}

/** Like `lstat`, of a name in an open directory, which has a NUL behind it. */
export function lstatAt(directory: number, name: Uint8Array): FileStatus {
  return statName(directory, name, "", AT_SYMLINK_NOFOLLOW);
}

/** The status of an open file. */
export function fstat(fd: number): FileStatus {
  return statx(fd, "", AT_EMPTY_PATH);
}

/** Opens a file for reading; never waits, also where it is a FIFO or a device. The caller owns the descriptor. */
export function openForReading(path: string): number {
  const name = cstring(path);
  return check(call(Call.open, addressOf(name), O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0), "open", path);
}

/** Whether a path can be opened for reading; never waits. */
export function opens(path: string): boolean {
  const name = cstring(path);
  const fd = call(Call.open, addressOf(name), O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/** Opens a file for reading; a FIFO waits for its writer. The caller owns the descriptor. */
export function openWaiting(path: string): number {
  const name = cstring(path);
  return check(call(Call.open, addressOf(name), O_RDONLY | O_CLOEXEC, 0), "open", path);
}

/** Opens /dev/null for reading and writing. The caller owns the descriptor. */
export function openNull(): number {
  const name = cstring("/dev/null");
  return check(call(Call.open, addressOf(name), O_RDWR | O_CLOEXEC, 0), "open", "/dev/null");
}

/** Whether a path names a regular file that somebody may execute. */
export function isExecutable(path: string): boolean {
  try {
    const status = stat(path);
    return status.isRegular && (status.permissions & 0o111) !== 0;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

/** The path of a program of the system's; empty where there is none. */
export function findProgram(name: string): string {
  for (const directory of PROGRAM_DIRECTORIES) {
    if (isExecutable(`${directory}/${name}`)) return `${directory}/${name}`;
  }
  return "";
}

/** What a symbolic link says, of at most 4,095 bytes; undefined where the path names no link. */
export function linkTarget(path: string): string | undefined {
  const name = cstring(path);
  const buffer = new Uint8Array(4096);
  const length = call(Call.readlink, addressOf(name), addressOf(buffer), buffer.length - 1);
  return length < 0 ? undefined : stringAt(addressOf(buffer));
}

/** Where a path leads, symbolic links followed; the path itself where there is no /proc to tell. Throws SysError. */
export function realPath(path: string): string {
  const fd = openForReading(path);
  const real = linkTarget(`/proc/self/fd/${fd}`);
  close(fd);
  return real ?? path;
}

const NAME_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Twelve random letters and digits. Throws SysError. */
export function randomName(): string {
  const random = new Uint8Array(12);
  let name = "";
  check(call(Call.getrandom, addressOf(random), random.length, 0), "getrandom", "");
  for (const byte of random) name += NAME_ALPHABET.charAt(byte % NAME_ALPHABET.length);
  return name;
}

/**
 * A fresh file (O_CREAT|O_EXCL, mode 0600) beside the one that it is to replace, so that rename(2) puts it in place in
 * one step. It owns its descriptor and its name until `replace` or `discard`.
 */
export class TemporaryFile {
  readonly path: string;
  private fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  /** A fresh name in a directory, `PREFIX<random>`. Throws SysError. */
  static nameIn(directory: string, prefix: string): string {
    return `${directory.endsWith("/") ? directory : `${directory}/`}${prefix}${randomName()}`;
  }

  /** Creates a file of that name, which no other may have. Throws SysError. */
  static create(path: string): TemporaryFile {
    const name = cstring(path);
    const fd = call(Call.open, addressOf(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600);
    return new TemporaryFile(path, check(fd, "open", path));
  }

  /** Writes bytes at the end, all of them. The array must hold `end` bytes. Throws SysError. */
  append(bytes: Uint8Array, start: number, end: number): void {
    let position = start;
    while (position < end) {
      const written = call(Call.write, this.fd, addressOf(bytes) + position, end - position);
      if (written === -Errno.EINTR) continue;
      position += check(written, "write", "");
    }
  }

  /** Sets the permission bits. Throws SysError. */
  chmod(mode: number): void {
    check(call(Call.fchmod, this.fd, mode, 0), "chmod", this.path);
  }

  /** Closes the file and puts it in the target's place. Throws SysError; the temporary is gone either way. */
  replace(target: string): void {
    // close(2) reports what a network file system or a quota refused late.
    const closed = call(Call.close, this.fd, 0, 0);
    this.fd = -1;
    const from = cstring(this.path);
    const to = cstring(target);
    const result = closed < 0 ? closed : call(Call.rename, addressOf(from), addressOf(to), 0);
    if (result >= 0) return;
    this.discard();
    throw new SysError("rename", -result, this.path, target);
  }

  /** Closes and removes the file. */
  discard(): void {
    if (this.fd >= 0) call(Call.close, this.fd, 0, 0);
    this.fd = -1;
    unlink(this.path);
  }
}

/** The working directory. Throws SysError where it has been removed. */
export function workingDirectory(): string {
  const buffer = new Uint8Array(4096);
  const address = call(Call.getcwd, addressOf(buffer), buffer.length, 0);
  if (address === 0) throw new SysError("getcwd", Errno.ENOENT, "");
  return stringAt(addressOf(buffer));
}

/** Removes a name. Returns false where that failed. */
export function unlink(path: string): boolean {
  const name = cstring(path);
  return call(Call.unlink, addressOf(name), 0, 0) >= 0;
}

/** Another descriptor of the same file, the caller's too, or -errno; dup(2). */
export function duplicate(fd: number): number {
  return call(Call.fcntl, fd, F_DUPFD_CLOEXEC, FIRST_FD);
}

/** How many bytes can be read of a pipe or a terminal without waiting; ioctl_fionread. 0 where nobody knows. */
export function available(fd: number): number {
  const count = new Uint8Array(4);
  return call(Call.ioctl, fd, FIONREAD, addressOf(count)) < 0 ? 0 : new DataView(count.buffer).getInt32(0, true);
}

/** Closes a descriptor. Returns 0, or -errno where a network file system or a quota refuses only now what was written. */
export function close(fd: number): number {
  return call(Call.close, fd, 0, 0);
}

/** read(2) into an array from `offset` on. Returns the bytes read, 0 at the end, or -errno. EINTR is tried again. */
export function read(fd: number, bytes: Uint8Array, offset: number, length: number): number {
  for (;;) {
    const result = call(Call.read, fd, addressOf(bytes) + offset, Math.min(length, bytes.length - offset));
    if (result !== -Errno.EINTR) return result;
  }
}

/** write(2) of bytes [start, end) to a file, once. Returns the bytes taken or -errno. EINTR is tried again. */
export function writeSome(fd: number, bytes: Uint8Array, start: number, end: number): number {
  for (;;) {
    const result = call(Call.write, fd, addressOf(bytes) + start, end - start);
    if (result !== -Errno.EINTR) return result;
  }
}
