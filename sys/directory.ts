/** Directories: what is in them; getdents64(2). */
import { addressOf, call } from "#libc";
import { stringAt } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { close, openForReading } from "./file.ts";

const BUFFER_BYTES = 16384;
/** Offsets in struct linux_dirent64. */
const LENGTH_OFFSET = 16;
const TYPE_OFFSET = 18;
const NAME_OFFSET = 19;

/** d_type. */
export const enum EntryKind {
  /** Some file systems do not say what an entry is. */
  UNKNOWN = 0,
  DIRECTORY = 4,
  FILE = 8,
  LINK = 10,
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
  const fd = openForReading(path);
  try {
    return readEntries(fd, path);
  } finally {
    close(fd);
  }
}

function readEntries(fd: number, path: string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  const address = addressOf(buffer);
  for (;;) {
    const filled = check(call(Call.getdents64, fd, address, buffer.length), "getdents64", path);
    if (filled === 0) return entries;
    for (let at = 0; at < filled; at += view.getUint16(at + LENGTH_OFFSET, true)) {
      const name = stringAt(address + at + NAME_OFFSET);
      if (name !== "." && name !== "..") entries.push(new DirectoryEntry(name, view.getUint8(at + TYPE_OFFSET)));
    }
  }
}
