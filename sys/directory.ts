/** Directories: what is in them; getdents64(2). */
import { addressOf, call, call6 } from "#libc";
import { isX86 } from "./architecture.ts";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { close } from "./file.ts";
import { indexOfByte } from "./search.ts";

const BUFFER_BYTES = 16384;
/** Offsets in struct linux_dirent64. */
const LENGTH_OFFSET = 16;
const TYPE_OFFSET = 18;
const NAME_OFFSET = 19;

/** Stands for the working directory, where a path is no name. */
export const AT_FDCWD = -100;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
// These differ between architectures.
const O_DIRECTORY_X86 = 0o200000;
const O_NOFOLLOW_X86 = 0o400000;
const O_DIRECTORY_ARM = 0o40000;
const O_NOFOLLOW_ARM = 0o100000;

const DOT = 46;

/** d_type. */
export const enum EntryKind {
  /** Some file systems do not say what an entry is. */
  UNKNOWN = 0,
  DIRECTORY = 4,
  FILE = 8,
  LINK = 10,
}

/**
 * Opens a directory, of a path or, in an open directory, of a name; a symbolic link at its end only where `follows` says
 * so. Returns the descriptor, the caller's, or -errno.
 */
export function openDirectory(directory: number, name: Uint8Array, follows: boolean): number {
  if (directoryFlag === 0) {
    directoryFlag = isX86() ? O_DIRECTORY_X86 : O_DIRECTORY_ARM;
    nofollowFlag = isX86() ? O_NOFOLLOW_X86 : O_NOFOLLOW_ARM;
  }
  const flags = O_NONBLOCK | O_CLOEXEC | directoryFlag | (follows ? 0 : nofollowFlag);
  return call6(Call.openat, directory, addressOf(name), flags, 0, 0, 0);
}

/** Opens what is no directory and no symbolic link in a directory, for reading. Returns the descriptor or -errno. */
export function openInside(directory: number, name: Uint8Array): number {
  return call6(Call.openat, directory, addressOf(name), O_NONBLOCK | O_CLOEXEC | nofollowFlag, 0, 0, 0);
}

let directoryFlag = 0;
let nofollowFlag = 0;

/** Goes through the entries of a directory, but for `.` and `..`, in no order. */
export class DirectoryReader {
  readonly fd: number;
  /** An EntryKind, or another d_type. */
  kind = EntryKind.UNKNOWN;
  /** The name is bytes [start, end) of these, until the next one. */
  readonly bytes: Uint8Array = new Uint8Array(BUFFER_BYTES);
  start = 0;
  end = 0;
  private readonly path: string;
  private readonly view = new DataView(this.bytes.buffer);
  private at = 0;
  private filled = 0;

  /** Takes over a descriptor. `path` is what an error names. */
  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }

  /** Of a directory that a path names. Throws SysError, ENOTDIR for anything else. */
  static open(path: string, follows: boolean): DirectoryReader {
    return new DirectoryReader(check(openDirectory(AT_FDCWD, cstring(path), follows), "open", path), path);
  }

  /** The text of the name. */
  get name(): string {
    return fileText(this.bytes, this.start, this.end);
  }

  /** Goes on to the next entry, with one system call at the most. Returns false after the last. Throws SysError. */
  next(): boolean {
    for (;;) {
      if (this.at >= this.filled) {
        this.filled = check(call(Call.getdents64, this.fd, addressOf(this.bytes), BUFFER_BYTES), "getdents64", this.path);
        this.at = 0;
        if (this.filled === 0) return false;
      }
      const at = this.at;
      this.at += this.view.getUint16(at + LENGTH_OFFSET, true);
      this.kind = this.view.getUint8(at + TYPE_OFFSET);
      this.start = at + NAME_OFFSET;
      this.end = indexOfByte(this.bytes, this.start, this.at, 0);
      if (!this.isDots()) return true;
    }
  }

  close(): void {
    close(this.fd);
  }

  private isDots(): boolean {
    const length = this.end - this.start;
    if (length > 2 || this.bytes[this.start] !== DOT) return false;
    return length === 1 || this.bytes[this.start + 1] === DOT;
  }
}

export class DirectoryEntry {
  readonly name: string;
  /** An EntryKind, or another d_type. */
  readonly kind: number;

  constructor(name: string, kind: number) {
    this.name = name;
    this.kind = kind;
  }
}

/** The entries of a directory, but for `.` and `..`, in no order. Throws SysError, ENOTDIR for anything else. */
export function listDirectory(path: string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const reader = DirectoryReader.open(path, true);
  try {
    while (reader.next()) entries.push(new DirectoryEntry(reader.name, reader.kind));
  } finally {
    reader.close();
  }
  return entries;
}
