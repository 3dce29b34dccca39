/** Removes whatever a path names, with all that is below it; unlinkat(2). */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { AT_FDCWD, EntryKind } from "./directory.ts";
import { check, Errno } from "./errno.ts";
import { TreeReader } from "./tree.ts";

const AT_REMOVEDIR = 0x200;
/** Directories that are looked up before they are entered: what bounds the memory that one of very many takes. */
const DEFERRED_MAX = 1024;

/** Removes a name, which is missing afterwards. Returns -errno where it is not. */
function unlinkAt(directory: number, name: Uint8Array, flags: number): number {
  const result = call(Call.unlinkat, directory, addressOf(name), flags);
  return result === -Errno.ENOENT ? 0 : result;
}

/** Works in small steps. Symbolic links are removed, never followed below the path. */
export class TreeRemover {
  private readonly path: string;
  private readonly name: Uint8Array;
  private tree: TreeReader | undefined;
  /** Something was removed from the current directory since it was read from its beginning. */
  private hasRemoved = false;

  /** `path` has no slash at its end: that would follow a symbolic link. */
  constructor(path: string) {
    this.path = path;
    this.name = cstring(path);
  }

  /** Does one piece. Returns whether there is more to do. Throws SysError; what was removed is gone. */
  step(): boolean {
    const tree = this.tree;
    if (tree === undefined) return this.begin();
    if (tree.deferredCount < DEFERRED_MAX && tree.next()) {
      this.take(tree);
    } else if (tree.enter() !== undefined) {
      this.hasRemoved = false;
    } else if (this.hasRemoved || tree.deferredCount > 0) {
      // Until there is nothing left: who removes while reading may miss entries.
      this.hasRemoved = false;
      tree.rewind();
    } else {
      const name = tree.leave();
      if (name === undefined) return this.end();
      check(unlinkAt(tree.fd, name, AT_REMOVEDIR), "rmdir", this.path);
      this.hasRemoved = true;
    }
    return true;
  }

  /** Gives up. */
  close(): void {
    this.tree?.close();
    this.tree = undefined;
  }

  private begin(): boolean {
    let result = unlinkAt(AT_FDCWD, this.name, 0);
    // A path that leads through a file is missing, too.
    if (result === 0 || result === -Errno.ENOTDIR) return false;
    if (result === -Errno.EISDIR) result = unlinkAt(AT_FDCWD, this.name, AT_REMOVEDIR);
    if (result === 0) return false;
    if (result !== -Errno.ENOTEMPTY && result !== -Errno.EEXIST) check(result, "unlink", this.path);
    this.tree = TreeReader.open(this.path);
    return true;
  }

  private take(tree: TreeReader): void {
    const name = tree.name();
    let result = tree.kind === EntryKind.DIRECTORY ? -Errno.EISDIR : unlinkAt(tree.fd, name, 0);
    // Most are empty, or will be by the time they are left.
    if (result === -Errno.EISDIR) result = unlinkAt(tree.fd, name, AT_REMOVEDIR);
    if (result === -Errno.ENOTEMPTY || result === -Errno.EEXIST) return tree.defer();
    // One that was a directory a moment ago comes again.
    if (result !== -Errno.ENOTDIR) check(result, "unlink", this.path);
    this.hasRemoved = true;
  }

  private end(): boolean {
    this.close();
    check(unlinkAt(AT_FDCWD, this.name, AT_REMOVEDIR), "rmdir", this.path);
    return false;
  }
}
