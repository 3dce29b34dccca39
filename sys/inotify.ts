/** Changes in directories, as they happen; inotify(7). */
import { addressOf, call } from "#libc";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import { available, read } from "./file.ts";
import { indexOfByte } from "./search.ts";

const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const IN_ONLYDIR = 0x01000000;
const IN_DONT_FOLLOW = 0x02000000;
/** What is watched for. */
const CHANGES = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;

const BUFFER_BYTES = 16384;
/** struct inotify_event before its name. */
const HEAD_BYTES = 16;
const NAME_MAX = 255;

/** Bits of what has happened. */
export const enum Change {
  MODIFIED = 0x2,
  /** Mode, owner, times, attributes or the number of links. */
  STATUS = 0x4,
  MOVED_FROM = 0x40,
  MOVED_TO = 0x80,
  CREATED = 0x100,
  DELETED = 0x200,
  SELF_DELETED = 0x400,
  SELF_MOVED = 0x800,
  /** The file system is gone. */
  UNMOUNTED = 0x2000,
  /** Events have been lost. */
  OVERFLOW = 0x4000,
  /** Nothing more comes of the directory. */
  IGNORED = 0x8000,
  /** It is about a directory. */
  DIRECTORY = 0x40000000,
}

/** An inotify instance. Throws SysError, EMFILE where the user has too many. The descriptor is the caller's. */
export function openInotify(): number {
  return check(call(Call.inotify_init1, IN_NONBLOCK | IN_CLOEXEC, 0, 0), "inotify_init", "");
}

/** Watches a directory, one that a symbolic link leads to where `follows` says so. Returns its number, or -errno. */
export function addWatch(inotify: number, path: string, follows: boolean): number {
  const name = cstring(path);
  const flags = CHANGES | IN_ONLYDIR | (follows ? 0 : IN_DONT_FOLLOW);
  return call(Call.inotify_add_watch, inotify, addressOf(name), flags);
}

/** Watches a directory no more. An IGNORED comes of it. */
export function removeWatch(inotify: number, watch: number): void {
  call(Call.inotify_rm_watch, inotify, watch, 0);
}

/** Takes events out of an inotify instance. */
export class InotifyReader {
  /** The event that `next` has gone to: which directory, what, of which rename, and the entry, empty for itself. */
  watch = 0;
  change = 0;
  cookie = 0;
  name = "";
  /** Bytes that were read so far. */
  taken = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private view = new DataView(this.bytes.buffer);
  private at = 0;
  private filled = 0;

  /** Goes on to the next event of those that were read. Returns false after the last. */
  next(): boolean {
    if (this.filled - this.at < HEAD_BYTES) return false;
    const start = this.at + HEAD_BYTES;
    this.watch = this.view.getInt32(this.at, true);
    this.change = this.view.getUint32(this.at + 4, true);
    this.cookie = this.view.getUint32(this.at + 8, true);
    // The name is padded with NULs.
    const end = Math.min(start + this.view.getUint32(this.at + 12, true), this.filled);
    const stop = indexOfByte(this.bytes, start, end, 0);
    this.name = fileText(this.bytes, start, stop < 0 ? end : stop);
    this.at = end;
    return true;
  }

  /** Reads what is there, up to a bound. Returns false where that is nothing. Throws SysError. */
  fill(inotify: number): boolean {
    // What has nothing to do keeps nothing.
    const room = Math.min(available(inotify) + HEAD_BYTES + NAME_MAX + 1, BUFFER_BYTES);
    if (this.bytes.length < room) this.use(new Uint8Array(room));
    const count = read(inotify, this.bytes, 0, this.bytes.length);
    this.at = 0;
    this.filled = count === -Errno.EAGAIN ? 0 : check(count, "read", "inotify");
    this.taken += this.filled;
    if (this.filled === 0) this.use(new Uint8Array(0));
    return this.filled > 0;
  }

  private use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
