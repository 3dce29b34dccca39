/** What statx(2) tells of a file. */
import { readWord } from "./bytes.ts";

const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFBLK = 0o060000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;

export class FileStatus {
  private readonly view: DataView;

  /** Over a struct statx. */
  constructor(statx: Uint8Array) {
    this.view = new DataView(statx.buffer);
  }

  /** Permission bits, with set-user-id, set-group-id and sticky. */
  get permissions(): number {
    return this.mode & 0o7777;
  }

  /** The user that owns it. */
  get uid(): number {
    return this.view.getUint32(20, true);
  }

  /** The group that owns it. */
  get gid(): number {
    return this.view.getUint32(24, true);
  }

  get inode(): number {
    return readWord(this.view, 32);
  }

  /** The number of the file system's device; only good for a comparison. */
  get device(): number {
    return this.view.getUint32(136, true) * 0x100000000 + this.view.getUint32(140, true);
  }

  /** Of a device, the number as mknod(2) takes it. */
  get deviceNumber(): number {
    const major = this.view.getUint32(128, true);
    const minor = this.view.getUint32(132, true);
    return (minor & 0xff) + (major & 0xfff) * 0x100 + Math.floor(minor / 0x100) * 0x100000;
  }

  /** Bytes. */
  get size(): number {
    return readWord(this.view, 40);
  }

  /** The low and the high word of the size. */
  get sizeLow(): number {
    return this.view.getUint32(40, true);
  }

  get sizeHigh(): number {
    return this.view.getUint32(44, true);
  }

  /** When the content changed last, in whole seconds since 1970-01-01 UTC, rounded down; negative before. */
  get modifiedSeconds(): number {
    return this.view.getUint32(112, true) + this.view.getInt32(116, true) * 0x100000000;
  }

  /** The nanoseconds beyond `modifiedSeconds`. */
  get modifiedNanoseconds(): number {
    return this.view.getUint32(120, true);
  }

  /** When it was read last, and when its content changed last: two struct timespec, as utimensat(2) takes them. */
  times(): Uint8Array {
    const times = new Uint8Array(32);
    const view = new DataView(times.buffer);
    for (let word = 0; word < 3; word++) {
      view.setUint32(word * 4, this.view.getUint32(64 + word * 4, true), true);
      view.setUint32(16 + word * 4, this.view.getUint32(112 + word * 4, true), true);
    }
    return times;
  }

  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  get isLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  get isCharacterDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR;
  }

  get isBlockDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFBLK;
  }

  get isFifo(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }

  get isSocket(): boolean {
    return (this.mode & S_IFMT) === S_IFSOCK;
  }

  /** Type and permissions, as in struct stat; inode(7). */
  get mode(): number {
    return this.view.getUint16(28, true);
  }
}
