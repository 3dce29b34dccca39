/** Watches a directory, and those below it where that is asked for; envd-rpc.md 4.5. */
import { internal, type RpcError } from "../../connect/error.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { DirectoryReader, EntryKind } from "../../sys/directory.ts";
import { SysError } from "../../sys/errno.ts";
import { available, close } from "../../sys/file.ts";
import { Change, InotifyReader, openInotify } from "../../sys/inotify.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";
import { Timer } from "../../sys/timer.ts";
import { Job, type Slices } from "../slices.ts";
import { EntryWriter, writeName } from "./entry.ts";
import { type EventQueue, WatchEvent } from "./event-queue.ts";
import { EventType } from "./messages.ts";
import { type WatchedDirectory, WatchedTree } from "./watched-tree.ts";
import type { WatchRequest } from "./watch-request.ts";

/** How long the second half of a move within the tree may come after the first; milliseconds. */
const MOVE_MS = 20;
const ITSELF = ".";

export abstract class Watcher extends Source {
  /** What has happened and has not been told. */
  protected readonly queue: EventQueue;
  protected readonly loop: Loop;
  private readonly slices: Slices;
  private readonly isRecursive: boolean;
  private readonly includesEntries: boolean;
  private readonly tree: WatchedTree;
  private readonly events = new InotifyReader();
  private readonly job = new Job(() => this.step(), (error) => this.fail(error));
  private readonly moves = new Timer(() => this.onMovesOver());
  private areMovesOver = false;
  private hasBegun = false;
  /** The directory that is being scanned. */
  private scanned: WatchedDirectory | undefined;
  private reader: DirectoryReader | undefined;
  /** Looks up owners for the events of one burst. */
  private entries: EntryWriter | undefined;

  /** Throws SysError. Nothing is told before `begin`. */
  constructor(loop: Loop, slices: Slices, request: WatchRequest, queue: EventQueue) {
    super(openInotify());
    this.loop = loop;
    this.slices = slices;
    this.queue = queue;
    this.isRecursive = request.isRecursive;
    this.includesEntries = request.includesEntries;
    this.tree = openTree(this.fd, request.path);
    if (this.isRecursive) this.tree.unscanned.push(this.tree.root);
    loop.add(this, Ready.NONE);
  }

  /** All is watched that is to be. */
  protected abstract onWatched(): void;

  /** Events may have been added: of the kernel's all up to `taken` are in the queue. */
  protected abstract onEvents(taken: number): void;

  /** It cannot go on, and has been released. */
  protected abstract onFailed(error: RpcError): void;

  /** Begins to watch. */
  begin(): void {
    this.slices.add(this.job);
  }

  /** Whether nothing more comes. */
  get isReleased(): boolean {
    return this.fd < 0;
  }

  /** Gives back what it has; what is in the queue stays. */
  release(): void {
    if (this.fd < 0) return;
    this.loop.remove(this);
    this.loop.timers.cancel(this.moves);
    close(this.fd);
    this.fd = -1;
    this.endScan();
  }

  override onReady(_ready: number): void {
    this.loop.setEvents(this, Ready.NONE);
    this.slices.add(this.job);
  }

  /** What `onEvents` is told, at least, when all that has happened by now is in the queue. */
  protected goal(): number {
    return this.events.taken + available(this.fd);
  }

  protected fail(error: RpcError): void {
    this.release();
    this.onFailed(internal(`watcher error: ${error.message}`));
  }

  /** One directory entry, one event, or one read. */
  private step(): boolean {
    if (this.fd < 0) return false;
    if (this.tree.dropOne() || this.scan()) return true;
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.onWatched();
      return true;
    }
    if (this.events.next()) {
      this.take();
      return true;
    }
    this.onEvents(this.events.taken);
    if (this.fd < 0) return false;
    return this.events.fill(this.fd) || this.rest();
  }

  /** There is nothing to do. Returns whether there is, after all. */
  private rest(): boolean {
    if (this.areMovesOver) {
      this.areMovesOver = false;
      this.tree.dropMoved();
      return true;
    }
    if (this.tree.hasMoved && this.moves.slot < 0) this.loop.timers.start(this.moves, MOVE_MS);
    this.entries = undefined;
    this.loop.setEvents(this, Ready.READABLE);
    return false;
  }

  private onMovesOver(): void {
    this.areMovesOver = true;
    this.begin();
  }

  private take(): void {
    const { change, name, cookie } = this.events;
    if ((change & Change.OVERFLOW) !== 0) return this.fail(internal("events have been lost"));
    const directory = this.tree.find(this.events.watch);
    if (directory === undefined) return;
    if ((change & Change.IGNORED) !== 0) return this.tree.forget(directory);
    if (name === "") {
      if (directory === this.tree.root) this.takeOwn(change);
      return;
    }
    const place = this.tree.placeOf(directory);
    if (place === undefined) return;
    this.emit(place === "" ? name : `${place}/${name}`, typeOf(change));
    if (!this.isRecursive || this.fd < 0 || (change & Change.DIRECTORY) === 0) return;
    if ((change & Change.MOVED_FROM) !== 0) this.tree.detach(directory, name, cookie);
    if ((change & (Change.CREATED | Change.MOVED_TO)) !== 0) this.tree.add(directory, name, cookie);
  }

  /** Of the watched directory itself. What it is not at its path any more, nobody asked for. */
  private takeOwn(change: number): void {
    if ((change & Change.UNMOUNTED) !== 0) return this.fail(internal("the file system is gone"));
    const type = typeOf(change);
    if (type !== EventType.NONE) this.emit(ITSELF, type);
    if (type !== EventType.CHMOD) this.stop();
  }

  /** Nothing follows. */
  private stop(): void {
    this.release();
    this.onEvents(Infinity);
  }

  /** Looks at an entry that was there before its directory was watched. Returns false where there is none. */
  private scan(): boolean {
    const directory = this.scanned;
    const reader = this.reader;
    if (directory === undefined || reader === undefined) return this.nextScan();
    const place = this.tree.placeOf(directory);
    if (place === undefined) this.tree.postpone(directory);
    if (place === undefined || !hasNext(reader)) {
      this.endScan();
      return true;
    }
    const name = reader.name;
    if (this.hasBegun) this.emit(place === "" ? name : `${place}/${name}`, EventType.CREATE);
    if (this.fd < 0 || (reader.kind !== EntryKind.DIRECTORY && reader.kind !== EntryKind.UNKNOWN)) return true;
    this.tree.add(directory, name, 0);
    return true;
  }

  private nextScan(): boolean {
    const { tree } = this;
    const directory = tree.takeUnscanned();
    if (directory === undefined) return false;
    if (directory.isScanned) return true;
    const place = tree.placeOf(directory);
    try {
      if (place !== undefined) {
        this.reader = DirectoryReader.open(tree.pathOf(place), directory === tree.root);
        if (tree.isAt(directory, place)) {
          directory.isScanned = true;
          this.scanned = directory;
          return true;
        }
      }
    } catch (error) {
      // Gone, moved, or not to be read.
      if (!(error instanceof SysError) || directory === tree.root) throw error;
    }
    this.endScan();
    tree.postpone(directory);
    return true;
  }

  private endScan(): void {
    this.reader?.close();
    this.reader = undefined;
    this.scanned = undefined;
  }

  private emit(name: string, type: EventType): void {
    const out = new MessageWriter();
    writeName(out, 1, name);
    out.uint32(2, type);
    const plainSize = out.size;
    const isThere = type !== EventType.REMOVE && type !== EventType.RENAME;
    if (isThere && this.includesEntries) this.writeEntry(out, this.tree.pathOf(name === ITSELF ? "" : name));
    if (!this.queue.push(new WatchEvent(out.bytes.slice(0, out.size), plainSize))) this.fail(internal("too many events wait"));
  }

  /** Nothing where it is gone. */
  private writeEntry(out: MessageWriter, path: string): void {
    const size = out.size;
    const mark = out.open(3);
    const entries = this.entries ?? new EntryWriter(false);
    this.entries = entries;
    try {
      entries.write(out, path, path);
      out.close(mark);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      out.size = size;
    }
  }
}

function openTree(inotify: number, path: string): WatchedTree {
  try {
    return new WatchedTree(inotify, path);
  } catch (error) {
    close(inotify);
    throw error;
  }
}

/** One that is gone has no more entries. */
function hasNext(reader: DirectoryReader): boolean {
  try {
    return reader.next();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

function typeOf(change: number): EventType {
  if ((change & (Change.CREATED | Change.MOVED_TO)) !== 0) return EventType.CREATE;
  if ((change & Change.MODIFIED) !== 0) return EventType.WRITE;
  if ((change & (Change.DELETED | Change.SELF_DELETED)) !== 0) return EventType.REMOVE;
  if ((change & (Change.MOVED_FROM | Change.SELF_MOVED)) !== 0) return EventType.RENAME;
  return (change & Change.STATUS) !== 0 ? EventType.CHMOD : EventType.NONE;
}
