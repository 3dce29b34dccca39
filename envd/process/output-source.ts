/** One output of a process. */
import { Errno } from "../../sys/errno.ts";
import { available, close, read } from "../../sys/file.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";
import { DATA_START, Origin, type OutputEvents, PIPE_BYTES, TERMINAL_BYTES } from "./output-event.ts";

/** Pieces read in one turn of the loop. */
const PIECES_PER_TURN = 4;

/** Who reads an output. */
export abstract class OutputReader {
  /** A piece: bytes from DATA_START to `end` of an array of the events, which the reader gives back. */
  abstract onOutput(origin: Origin, bytes: Uint8Array, end: number): void;

  /** No more comes. */
  abstract onOutputEnd(): void;
}

export class OutputSource extends Source {
  isOpen: boolean;
  private readonly loop: Loop;
  private readonly events: OutputEvents;
  private readonly reader: OutputReader;
  private readonly origin: Origin;

  /** The descriptor is the source's from now on, -1 for none; a terminal's stays its owner's. */
  constructor(loop: Loop, events: OutputEvents, reader: OutputReader, fd: number, origin: Origin) {
    super(fd);
    this.isOpen = fd >= 0;
    this.loop = loop;
    this.events = events;
    this.reader = reader;
    this.origin = origin;
  }

  /** The descriptor while it is open, else -1. */
  get kept(): number {
    return this.isOpen ? this.fd : -1;
  }

  /** (A source that waits for nothing would still be told of its hang-up, again and again: it leaves the loop.) */
  setReading(isReading: boolean): void {
    if (!isReading) this.loop.remove(this);
    else if (this.isOpen && this.slot < 0) this.loop.add(this, Ready.READABLE);
  }

  override onReady(ready: number): void {
    for (let pieces = 0; pieces < PIECES_PER_TURN; pieces++) {
      const count = this.pass(this.most);
      if (count === -Errno.EAGAIN) return;
      if (count <= 0) {
        this.close();
        return this.reader.onOutputEnd();
      }
      // A short read has emptied it, unless the writers are gone: then its end comes next.
      if (this.slot < 0 || (count < this.most && (ready & Ready.HANGUP) === 0)) return;
    }
  }

  override onFailure(): void {
    this.close();
    this.reader.onOutputEnd();
  }

  /** Reads what is there now and not what comes later, then closes. */
  drain(): void {
    if (!this.isOpen) return;
    for (let left = available(this.fd); left > 0; ) {
      const count = this.pass(Math.min(left, this.most));
      if (count <= 0) break;
      left -= count;
    }
    this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.loop.remove(this);
    if (this.origin !== Origin.PTY) close(this.fd);
  }

  private get most(): number {
    return this.origin === Origin.PTY ? TERMINAL_BYTES : PIPE_BYTES;
  }

  /** Hands on one piece of so many bytes at the most. Returns its length, 0 or -errno. */
  private pass(most: number): number {
    const bytes = this.events.take();
    const count = read(this.fd, bytes, DATA_START, most);
    if (count > 0) this.reader.onOutput(this.origin, bytes, DATA_START + count);
    else this.events.give(bytes);
    return count;
  }
}
