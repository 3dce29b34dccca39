/**
 * Copies whatever a path names, with all that is below it: content, mode, owner, times, extended attributes as far as the
 * target's file system has them; symbolic links as links. Hard links become files of their own.
 */
import { addressOf, call, call6 } from "#libc";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { AT_FDCWD, openInside } from "./directory.ts";
import { check, Errno, SysError } from "./errno.ts";
import { close, fstat, lstat, lstatAt, read, writeSome } from "./file.ts";
import { changeLinkOwner, changeMode, makeDirectory, makeLink, makeNode } from "./node.ts";
import type { FileStatus } from "./status.ts";
import { TreeReader } from "./tree.ts";
import { knownAttribute, knownAttributes, setAttribute } from "./xattr.ts";

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_CLOEXEC = 0o2000000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const PATH_MAX = 4096;
const ATTRIBUTE_MAX = 65536;
const COPY_BYTES = 131_072;

/** A directory that is being filled. */
class Filling {
  readonly path: string;
  readonly status: FileStatus;

  constructor(path: string, status: FileStatus) {
    this.path = path;
    this.status = status;
  }
}

/** Works in small steps. */
export class TreeCopier {
  private readonly source: string;
  private readonly target: string;
  private tree: TreeReader | undefined;
  private readonly filling: Filling[] = [];
  private readonly buffer = new Uint8Array(COPY_BYTES);
  private hasBegun = false;
  /** The directory that the target is. */
  private root: FileStatus | undefined;
  /** The file that is being copied; its descriptors are -1 where there is none. */
  private from = -1;
  private to = -1;
  private path = "";

  /** `target` is not there yet; nothing but the source's owner and root gets to see what is being copied. */
  constructor(source: string, target: string) {
    this.source = source;
    this.target = target;
  }

  /** Does one piece. Returns whether there is more to do. Throws SysError; what has been copied stays. */
  step(): boolean {
    if (this.from >= 0) return this.copySome();
    const tree = this.tree;
    if (tree === undefined) return !this.hasBegun && this.begin();
    if (tree.next()) {
      const name = tree.name();
      const status = lstatAt(tree.fd, name);
      if (status.isDirectory) tree.defer();
      else this.copy(tree.fd, name, this.inside(name), status);
      return true;
    }
    const name = tree.enter();
    if (name === undefined) return this.leave(tree);
    this.fill(tree, this.inside(name));
    return true;
  }

  /** Gives up. */
  close(): void {
    if (this.from >= 0) close(this.from);
    if (this.to >= 0) close(this.to);
    this.from = -1;
    this.to = -1;
    this.tree?.close();
    this.tree = undefined;
  }

  private begin(): boolean {
    this.hasBegun = true;
    const name = cstring(this.source);
    const status = lstatAt(AT_FDCWD, name);
    if (!status.isDirectory) {
      this.copy(AT_FDCWD, name, this.target, status);
      return this.from >= 0;
    }
    const tree = TreeReader.open(this.source);
    this.tree = tree;
    this.fill(tree, this.target);
    return true;
  }

  private inside(name: Uint8Array): string {
    return `${this.filling.at(-1)?.path ?? ""}/${fileText(name, 0, name.length - 1)}`;
  }

  /** Begins to copy the current directory. */
  private fill(tree: TreeReader, path: string): void {
    const status = fstat(tree.fd);
    const root = this.root;
    if (root !== undefined && status.inode === root.inode && status.device === root.device) {
      // What is mounted inside the source may hold the target.
      throw new SysError("mkdir", Errno.EINVAL, path);
    }
    makeDirectory(path, 0o700);
    if (root === undefined) this.root = lstat(path);
    this.filling.push(new Filling(path, status));
  }

  private leave(tree: TreeReader): boolean {
    const filled = this.filling.pop();
    if (filled !== undefined) this.dress(tree.fd, filled.path, filled.status);
    if (tree.leave() !== undefined) return true;
    this.close();
    return false;
  }

  /** Copies what is no directory. */
  private copy(directory: number, name: Uint8Array, path: string, status: FileStatus): void {
    if (status.isRegular) return this.open(check(openInside(directory, name), "open", this.source), path);
    if (status.isLink) makeLink(path, readLinkAt(directory, name, this.source));
    else makeNode(path, status.mode, status.deviceNumber);
    changeLinkOwner(path, status.uid, status.gid);
    if (!status.isLink) changeMode(path, status.permissions);
    setTimes(path, status);
  }

  private open(from: number, path: string): void {
    this.from = from;
    this.path = path;
    const name = cstring(path);
    const to = call(Call.open, addressOf(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600);
    this.to = check(to, "open", path);
  }

  private copySome(): boolean {
    const count = check(read(this.from, this.buffer, 0, COPY_BYTES), "read", this.source);
    for (let at = 0; at < count; ) at += check(writeSome(this.to, this.buffer, at, count), "write", this.path);
    if (count > 0) return true;
    this.dress(this.from, this.path, fstat(this.from));
    // close(2) reports what a network file system or a quota refused late.
    const closed = call(Call.close, this.to, 0, 0);
    this.to = -1;
    check(closed, "close", this.path);
    close(this.from);
    this.from = -1;
    return this.tree !== undefined;
  }

  /** Gives a copy what else its source has. The owner comes first: changing it takes set-user-id away. */
  private dress(source: number, path: string, status: FileStatus): void {
    changeLinkOwner(path, status.uid, status.gid);
    changeMode(path, status.permissions);
    const from = `/proc/self/fd/${source}`;
    for (const name of knownAttributes(from)) copyAttribute(from, path, name);
    setTimes(path, status);
  }
}

/** What a symbolic link in a directory says. */
function readLinkAt(directory: number, name: Uint8Array, path: string): string {
  const buffer = new Uint8Array(PATH_MAX);
  const length = call6(Call.readlinkat, directory, addressOf(name), addressOf(buffer), buffer.length, 0, 0);
  return fileText(buffer, 0, check(length, "readlink", path));
}

/** Some are not for everybody, or for every file system. */
function copyAttribute(from: string, to: string, name: string): void {
  const value = knownAttribute(from, name, ATTRIBUTE_MAX);
  if (value === undefined) return;
  try {
    setAttribute(to, name, value);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

/** When it was read and changed last. */
function setTimes(path: string, status: FileStatus): void {
  const name = cstring(path);
  const times = status.times();
  const result = call6(Call.utimensat, AT_FDCWD, addressOf(name), addressOf(times), AT_SYMLINK_NOFOLLOW, 0, 0);
  check(result, "utimensat", path);
}
