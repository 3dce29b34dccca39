/** The directories that a watcher watches, each under its place; envd-rpc.md 4.5. */
import { Errno, SysError } from "../../sys/errno.ts";
import { addWatch, removeWatch } from "../../sys/inotify.ts";

export class WatchedDirectory {
  readonly watch: number;
  name: string;
  /** Undefined for the root, and for one that has been moved away. */
  parent: WatchedDirectory | undefined;
  readonly children: WatchedDirectory[] = [];
  /** Whether all that was in it when its watch began has been seen. */
  isScanned = false;

  constructor(watch: number, name: string, parent: WatchedDirectory | undefined) {
    this.watch = watch;
    this.name = name;
    this.parent = parent;
  }
}

export class WatchedTree {
  readonly root: WatchedDirectory;
  /** The path of the root. */
  readonly path: string;
  private readonly inotify: number;
  private readonly byWatch = new Map<number, WatchedDirectory>();
  /** Directories that have been moved away, perhaps to another place in the tree, by the cookies of their moves. */
  private moved = new Map<number, WatchedDirectory>();
  /** Directories that are not in the tree any more, whose watches are still there. */
  private readonly dropped: WatchedDirectory[] = [];

  /** With a directory alone, which a symbolic link may lead to. The inotify instance remains the caller's. Throws SysError. */
  constructor(inotify: number, path: string) {
    const watch = addWatch(inotify, path, true);
    if (watch < 0) throw new SysError("inotify_add_watch", -watch, path);
    this.inotify = inotify;
    this.path = path;
    this.root = new WatchedDirectory(watch, "", undefined);
    this.byWatch.set(watch, this.root);
  }

  find(watch: number): WatchedDirectory | undefined {
    return this.byWatch.get(watch);
  }

  /** Where a directory is below the root, which is the empty path itself; undefined for one that is not in the tree. */
  placeOf(directory: WatchedDirectory): string | undefined {
    let place = "";
    let at = directory;
    for (let parent = at.parent; parent !== undefined; parent = at.parent) {
      place = place === "" ? at.name : `${at.name}/${place}`;
      at = parent;
    }
    return at === this.root ? place : undefined;
  }

  /** The path of a place. */
  pathOf(place: string): string {
    if (place === "") return this.path;
    return this.path.endsWith("/") ? this.path + place : `${this.path}/${place}`;
  }

  /**
   * Watches a directory in another. Returns it where it has to be scanned; undefined where it is watched and scanned, is
   * gone, or cannot be watched. Throws SysError where there are too many watches.
   */
  add(parent: WatchedDirectory, name: string): WatchedDirectory | undefined {
    const place = this.placeOf(parent);
    if (place === undefined) return undefined;
    const path = this.pathOf(place === "" ? name : `${place}/${name}`);
    const watch = addWatch(this.inotify, path, false);
    if (watch === -Errno.ENOSPC || watch === -Errno.ENOMEM) throw new SysError("inotify_add_watch", -watch, path);
    if (watch < 0) return undefined;
    const known = this.byWatch.get(watch);
    if (known !== undefined && this.placeOf(known) !== undefined) return known.isScanned ? undefined : known;
    // One that has been away: it keeps its watches, and what has been missed is looked for.
    if (known !== undefined) {
      unlink(known);
      this.doubt(known);
    }
    const directory = known ?? new WatchedDirectory(watch, name, parent);
    this.byWatch.set(watch, directory);
    link(directory, parent, name);
    return directory;
  }

  /** Nobody knows what is in a directory, and in those below it. */
  private doubt(directory: WatchedDirectory): void {
    const doubted = [directory];
    for (let next = doubted.pop(); next !== undefined; next = doubted.pop()) {
      next.isScanned = false;
      for (const child of next.children) doubted.push(child);
    }
  }

  /** Its watch has ended. */
  forget(directory: WatchedDirectory): void {
    this.byWatch.delete(directory.watch);
    unlink(directory);
  }

  /** A directory has been moved away, by the move of this cookie. */
  detach(parent: WatchedDirectory, name: string, cookie: number): void {
    const directory = parent.children.find((child) => child.name === name);
    if (directory === undefined) return;
    unlink(directory);
    this.moved.set(cookie, directory);
  }

  /** A directory has come by a move. Returns whether it comes from the tree, and so is watched. */
  attach(parent: WatchedDirectory, name: string, cookie: number): WatchedDirectory | undefined {
    const directory = this.moved.get(cookie);
    this.moved.delete(cookie);
    if (directory === undefined || directory.parent !== undefined || !this.byWatch.has(directory.watch)) return undefined;
    link(directory, parent, name);
    return directory;
  }

  /** Whether moved directories wait for their new place. */
  get hasMoved(): boolean {
    return this.moved.size > 0;
  }

  /** Moved directories do not come back. */
  dropMoved(): void {
    for (const directory of this.moved.values()) this.dropped.push(directory);
    this.moved = new Map<number, WatchedDirectory>();
  }

  /** Ends the watch of one directory that is not in the tree any more. Returns false where there is none. */
  dropOne(): boolean {
    const directory = this.dropped.pop();
    if (directory === undefined) return false;
    if (this.placeOf(directory) !== undefined) return true;
    for (const child of directory.children) this.dropped.push(child);
    removeWatch(this.inotify, directory.watch);
    return true;
  }
}

function link(directory: WatchedDirectory, parent: WatchedDirectory, name: string): void {
  directory.parent = parent;
  directory.name = name;
  parent.children.push(directory);
}

function unlink(directory: WatchedDirectory): void {
  const siblings = directory.parent?.children;
  directory.parent = undefined;
  const index = siblings === undefined ? -1 : siblings.indexOf(directory);
  if (index >= 0) siblings?.splice(index, 1);
}
