/** Goes through the directories below one, however deep, with one descriptor open and no symbolic link followed. */
import { DirectoryReader, openDirectory } from "./directory.ts";
import { cstring } from "./bytes.ts";
import { check, Errno, SysError } from "./errno.ts";
import { fstat } from "./file.ts";
import { Names } from "./names.ts";

const PARENT = cstring("..");
const ITSELF = cstring(".");
const NONE = new Uint8Array(0);

/** A directory that is entered. */
class Level {
  /** In the directory above, with a NUL behind it. */
  readonly name: Uint8Array;
  /** Of the directory above: what `..` has to be. */
  readonly device: number;
  readonly inode: number;
  /** The directories in it that are still to be entered. */
  deferred = new Names(NONE);
  /** Whether all of its entries have been gone through. */
  isRead = false;

  constructor(name: Uint8Array, device: number, inode: number) {
    this.name = name;
    this.device = device;
    this.inode = inode;
  }
}

export class TreeReader {
  /** Of what an error tells. */
  readonly path: string;
  private readonly levels: Level[];
  private reader: DirectoryReader;

  private constructor(path: string, reader: DirectoryReader) {
    this.path = path;
    this.reader = reader;
    this.levels = [new Level(ITSELF, 0, 0)];
  }

  /** Of the directory that a path names, no symbolic link. The caller calls `close`. Throws SysError. */
  static open(path: string): TreeReader {
    return new TreeReader(path, DirectoryReader.open(path, false));
  }

  /** The current directory. */
  get fd(): number {
    return this.reader.fd;
  }

  /** Goes on to the next entry of the current directory. Returns false after the last. Throws SysError. */
  next(): boolean {
    const level = this.levels.at(-1);
    if (level === undefined || level.isRead) return false;
    level.isRead = !this.reader.next();
    return !level.isRead;
  }

  get kind(): number {
    return this.reader.kind;
  }

  /** The entry's name, with a NUL behind it. */
  name(): Uint8Array {
    return this.reader.bytes.slice(this.reader.start, this.reader.end + 1);
  }

  /** How many directories wait to be entered here. */
  get deferredCount(): number {
    return this.levels.at(-1)?.deferred.count ?? 0;
  }

  /** The entry is a directory, to be entered later. */
  defer(): void {
    this.levels.at(-1)?.deferred.add(this.reader.bytes, this.reader.start, this.reader.end);
  }

  /** Forgets what has been deferred, all of which has been entered, and reads the current directory anew. Throws SysError. */
  rewind(): void {
    const level = this.levels.at(-1);
    if (level === undefined) return;
    level.deferred = new Names(NONE);
    level.isRead = false;
    this.move(check(openDirectory(this.fd, ITSELF, false), "open", this.path));
  }

  /**
   * Enters the next directory that was deferred. Returns its name, with a NUL behind it; undefined where there is none.
   * One that is gone, or no directory any more, is passed over. Throws SysError.
   */
  enter(): Uint8Array | undefined {
    for (;;) {
      const name = this.levels.at(-1)?.deferred.next();
      if (name === undefined) return undefined;
      const inner = openDirectory(this.fd, name, false);
      if (inner === -Errno.ENOENT || inner === -Errno.ENOTDIR || inner === -Errno.ELOOP) continue;
      check(inner, "open", this.path);
      const here = fstat(this.fd);
      this.levels.push(new Level(name, here.device, here.inode));
      this.move(inner);
      return name;
    }
  }

  /**
   * Goes back to the directory above. Returns the name of the one that was left, with a NUL behind it; undefined at the
   * top. Throws SysError, ESTALE where somebody has moved it away.
   */
  leave(): Uint8Array | undefined {
    const level = this.levels.at(-1);
    if (level === undefined || this.levels.length === 1) return undefined;
    const above = check(openDirectory(this.fd, PARENT, false), "open", this.path);
    this.move(above);
    const there = fstat(above);
    if (there.inode !== level.inode || there.device !== level.device) throw new SysError("open", Errno.ESTALE, this.path);
    this.levels.pop();
    return level.name;
  }

  close(): void {
    this.reader.close();
  }

  private move(fd: number): void {
    this.reader.close();
    this.reader = new DirectoryReader(fd, this.path);
  }
}
