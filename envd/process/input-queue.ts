/** What is written to a process: whole messages, in the order in which they came, as fast as the process reads. */
import { Errno, errnoText } from "../../sys/errno.ts";
import { close, writeSome } from "../../sys/file.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";

/** Pieces written in one turn of the loop. */
const WRITES_PER_TURN = 8;
/** What may wait, for callers that have gone, too; bytes. A message alone may be as long as messages are. */
const WAITING_MAX = 64 * 1024 * 1024;
/** What a message costs beside its bytes, about. */
const ENTRY_BYTES = 128;

/** Who waits until bytes have been written. */
export abstract class InputWaiter {
  /** All has been written, or the process does not take it: then `reason` says why. */
  abstract onWritten(reason: string): void;
}

class Entry {
  readonly bytes: Uint8Array;
  start: number;
  /** Undefined where nobody waits any more. */
  waiter: InputWaiter | undefined;
  hasBegun = false;

  constructor(bytes: Uint8Array, start: number, waiter: InputWaiter) {
    this.bytes = bytes;
    this.start = start;
    this.waiter = waiter;
  }

  /** What it costs to keep it. */
  get cost(): number {
    return this.bytes.length + ENTRY_BYTES;
  }
}

export class InputQueue extends Source {
  private readonly loop: Loop;
  private readonly isShared: boolean;
  private entries: Entry[] = [];
  private waiting = 0;
  private isClosing = false;
  private isOpen: boolean;
  private readonly onClosed: () => void;

  /**
   * The descriptor is the queue's from now on, unless `isShared`; -1 for none. `onClosed` is called when the end of the
   * input has come, not when the process has.
   */
  constructor(loop: Loop, fd: number, isShared: boolean, onClosed: () => void) {
    super(fd);
    this.isShared = isShared;
    this.onClosed = onClosed;
    this.loop = loop;
    this.isOpen = fd >= 0;
  }

  /** The descriptor while there is one of its own to keep; else -1. */
  get kept(): number {
    return this.isOpen && !this.isShared ? this.fd : -1;
  }

  /** Whether it takes anything more. */
  get takes(): boolean {
    return this.isOpen && !this.isClosing;
  }

  /**
   * Writes bytes [start, end), which are only lent, behind all that came before. Returns undefined where `waiter` hears of
   * it later; otherwise it is done: an empty text, or the reason why it cannot be done.
   */
  write(bytes: Uint8Array, start: number, end: number, waiter: InputWaiter): string | undefined {
    let at = start;
    if (this.entries.length === 0) {
      at = this.put(bytes, start, end);
      if (at < 0) return errnoText(-at);
      if (at === end) return "";
    } else if (this.waiting + end - start > WAITING_MAX) {
      return "too much waits to be written";
    }
    const entry = new Entry(bytes.slice(at, end), 0, waiter);
    entry.hasBegun = at > start;
    this.entries.push(entry);
    this.waiting += entry.cost;
    if (this.slot < 0) this.loop.add(this, Ready.WRITABLE);
    return undefined;
  }

  /** Nobody waits any more: what has been begun goes on, what has not is dropped. */
  withdraw(waiter: InputWaiter): void {
    for (const entry of this.entries) if (entry.waiter === waiter) entry.waiter = undefined;
    this.entries = this.entries.filter((entry) => entry.waiter !== undefined || entry.hasBegun);
    this.waiting = 0;
    for (const entry of this.entries) this.waiting += entry.cost;
    this.settle();
  }

  /** Ends the input behind what is waiting. */
  close(): void {
    this.isClosing = true;
    this.settle();
  }

  /** The process has ended. */
  abandon(): void {
    this.isClosing = true;
    this.fail("the process has ended");
  }

  override onReady(_ready: number): void {
    const entry = this.entries.at(0);
    if (entry === undefined) return this.settle();
    const at = this.put(entry.bytes, entry.start, entry.bytes.length);
    if (at < 0) return this.fail(errnoText(-at));
    entry.hasBegun = entry.hasBegun || at > entry.start;
    entry.start = at;
    if (at < entry.bytes.length) return;
    this.entries.shift();
    this.waiting -= entry.cost;
    entry.waiter?.onWritten("");
    this.settle();
  }

  override onFailure(): void {
    this.fail("internal error");
  }

  /** Returns the position up to which bytes [start, end) have been written, or -errno. */
  private put(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    for (let writes = 0; at < end && writes < WRITES_PER_TURN; writes++) {
      const written = writeSome(this.fd, bytes, at, end);
      if (written === -Errno.EAGAIN) break;
      if (written < 0) return written;
      at += written;
    }
    return at;
  }

  private fail(reason: string): void {
    const entries = this.entries;
    this.entries = [];
    this.waiting = 0;
    this.settle();
    for (const entry of entries) entry.waiter?.onWritten(reason);
  }

  /** Nothing waits: the loop has no business here, and the end may come. */
  private settle(): void {
    if (this.entries.length > 0) return;
    this.loop.remove(this);
    if (!this.isClosing || !this.isOpen) return;
    this.isOpen = false;
    if (this.isShared) return;
    close(this.fd);
    this.onClosed();
  }
}
