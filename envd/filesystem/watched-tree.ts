/** The directories that a watcher watches, each under its place; envd-rpc.md 4.5. */
import { Errno, SysError } from "../../sys/errno.ts";
import { addWatch, removeWatch } from "../../sys/inotify.ts";

/** The watch of a place of which nobody knows what is there. */
const UNKNOWN = -1;

export class WatchedDirectory {
  readonly watch: number;
  name: string;
  /** Undefined for the root, and for one that has been moved away. */
  parent: WatchedDirectory | undefined;
  readonly children: WatchedDirectory[] = [];
  /** Whether all that was in it when its watch began has been seen, or is being looked at. */
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
  /** The directories that are to be scanned. */
  readonly unscanned: WatchedDirectory[] = [];
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
   * A directory has appeared in another, by the move of a cookie, or otherwise where that is 0: it is watched, and to be
   * scanned where that has not been done. Throws SysError where there are too many watches.
   *
   * Which directory it is the file system says, not the event: its names may have been given anew since.
   */
  add(parent: WatchedDirectory, name: string, cookie: number): void {
    const place = this.placeOf(parent);
    if (place === undefined) return this.postpone(parent);
    const path = this.pathOf(place === "" ? name : `${place}/${name}`);
    const watch = addWatch(this.inotify, path, false);
    if (watch === -Errno.ENOSPC || watch === -Errno.ENOMEM) throw new SysError("inotify_add_watch", -watch, path);
    const moved = this.moved.get(cookie);
    // One that has gone on already is followed: its next move is still to be told.
    const known = this.byWatch.get(watch < 0 && moved !== undefined ? moved.watch : watch);
    if (known === undefined && watch < 0) {
      if (!this.isAt(parent, place)) this.postpone(parent);
      return;
    }
    const directory = known ?? new WatchedDirectory(watch, name, parent);
    if (known === undefined || known.parent !== parent || known.name !== name) {
      if (known !== undefined && !this.leave(known, moved, parent)) return this.postpone(parent);
      if (known === moved) this.moved.delete(cookie);
      this.byWatch.set(directory.watch, directory);
      link(directory, parent, name);
    }
    if (!directory.isScanned) this.unscanned.push(directory);
  }

  /** Whether a directory of the tree is at its place, as the file system says. */
  isAt(directory: WatchedDirectory, place: string): boolean {
    return addWatch(this.inotify, this.pathOf(place), directory === this.root) === directory.watch;
  }

  /** Takes a directory that has come to another one out of its place. Returns false where it stays. */
  private leave(known: WatchedDirectory, moved: WatchedDirectory | undefined, parent: WatchedDirectory): boolean {
    const place = this.placeOf(known);
    if (place === undefined) {
      // It keeps its watches; of one that has been away, what has been missed is looked for.
      if (known !== moved) this.doubt(known);
    } else {
      // By a bind mount it may be in two places, even below itself.
      if (this.isAt(known, place)) return false;
      for (let at: WatchedDirectory | undefined = parent; at !== undefined; at = at.parent) if (at === known) return false;
      // Where it was taken to be, there may be another one.
      this.unscanned.push(new WatchedDirectory(UNKNOWN, known.name, known.parent));
    }
    unlink(known);
    return true;
  }

  /** Takes the next directory that is to be scanned, if it has not been since. Throws SysError. */
  takeUnscanned(): WatchedDirectory | undefined {
    const next = this.unscanned.pop();
    if (next?.watch !== UNKNOWN) return next;
    next.isScanned = true;
    if (next.parent !== undefined) this.add(next.parent, next.name, 0);
    return next;
  }

  /**
   * What is in a directory cannot be seen, for it is not where it was any more, or one of those that it lies in: it is
   * looked at again when that one has come to its new place.
   */
  postpone(directory: WatchedDirectory): void {
    for (let at: WatchedDirectory | undefined = directory; at !== undefined; at = at.parent) at.isScanned = false;
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
