/**
 * The event loop: one poll(2) over one pollfd array that lives as long as the process, and a timer heap.
 * A handler does a bounded amount of work and returns.
 */
import { addressOf, call, pollShrunk } from "#libc";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import { Level, log } from "./log.ts";
import { TimerHeap } from "./timer.ts";

/** poll(2) event bits. HANGUP, FAILED and INVALID are reported whether asked for or not. */
export const enum Ready {
  NONE = 0,
  READABLE = 1,
  WRITABLE = 4,
  FAILED = 8,
  HANGUP = 16,
  INVALID = 32,
  /** The peer shut down its sending side. */
  PEER_SHUT = 0x2000,
}

/** What owns a descriptor in the loop. The loop never closes it. */
export abstract class Source {
  fd: number;
  /** The index in the pollfd array, -1 outside the loop. Only the loop writes it. */
  slot = -1;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Called with the Ready bits that poll reported. */
  abstract onReady(ready: number): void;

  /** `onReady` has thrown what it should have handled, and the loop has dropped the source: end what it stands for. */
  onFailure(): void {}
}

/** What keeps memory for a steady stream of work, and gives it back when there is none. */
export abstract class Idler {
  /** Nothing has happened for a while. */
  abstract onIdle(): void;
}

const POLLFD_BYTES = 8;
/** How long nothing must have happened before the process shrinks to its idle size. */
const IDLE_DELAY_MS = 500;

export class Loop {
  readonly timers = new TimerHeap();
  private pollfds = new Uint8Array(16 * POLLFD_BYTES);
  private view = new DataView(this.pollfds.buffer);
  private sources: Source[] = [];
  private readonly idlers: Idler[] = [];
  private stopping = false;
  /** Since the process has shrunk, nothing but timers has happened. */
  private isAtRest = false;

  /** Watches a source. `events` are the Ready bits it wants; NONE still reports hang-up and failure. */
  add(source: Source, events: number): void {
    const slot = this.sources.length;
    if ((slot + 1) * POLLFD_BYTES > this.pollfds.length) this.resize(this.pollfds.length * 2);
    this.sources.push(source);
    source.slot = slot;
    this.view.setInt32(slot * POLLFD_BYTES, source.fd, true);
    // Events in the low half; the high half clears revents.
    this.view.setInt32(slot * POLLFD_BYTES + 4, events, true);
  }

  /** Changes what a source waits for. Does nothing for a source outside the loop. */
  setEvents(source: Source, events: number): void {
    if (source.slot >= 0) this.view.setInt16(source.slot * POLLFD_BYTES + 4, events, true);
  }

  /** Stops watching a source. It gets no further call, not even for what the current poll has reported. */
  remove(source: Source): void {
    const slot = source.slot;
    if (slot < 0) return;
    source.slot = -1;
    const last = this.sources.at(-1);
    this.sources.pop();
    if (last !== undefined && last.slot >= 0) {
      // The last one moves into the gap, with what poll has reported for it.
      this.sources[slot] = last;
      const from = last.slot * POLLFD_BYTES;
      last.slot = slot;
      this.view.setInt32(slot * POLLFD_BYTES, this.view.getInt32(from, true), true);
      this.view.setInt32(slot * POLLFD_BYTES + 4, this.view.getInt32(from + 4, true), true);
    }
    // After a burst the array goes back to its idle size.
    const room = this.pollfds.length / POLLFD_BYTES;
    if (room <= 16 || this.sources.length * 4 >= room) return;
    this.resize(this.pollfds.length / 2);
    this.sources = this.sources.slice();
  }

  /** Runs until `stop`. */
  run(): void {
    while (!this.stopping) this.turn();
  }

  /** Makes `run` return after the current turn. */
  stop(): void {
    this.stopping = true;
  }

  /** Tells `idler` whenever the process shrinks. */
  addIdler(idler: Idler): void {
    this.idlers.push(idler);
  }

  /** Gives back what is kept for work that may come. */
  shrink(): void {
    for (const idler of this.idlers) idler.onIdle();
  }

  /** The timers that are due, then one poll(2) and its handlers. */
  turn(): void {
    this.runTimers();
    if (this.stopping) return;
    let ready = this.poll();
    if (ready !== 0) this.isAtRest = false;
    if (ready === -Errno.EINTR) return;
    check(ready, "poll", "");
    this.timers.readClock();
    // Downwards: what a handler adds lies above, and what a removal moves down has been handled.
    for (let slot = this.sources.length - 1; slot >= 0 && ready > 0; slot--) {
      if (slot >= this.sources.length) continue;
      const revents = this.view.getInt16(slot * POLLFD_BYTES + 6, true);
      if (revents === 0) continue;
      ready--;
      this.view.setInt16(slot * POLLFD_BYTES + 6, 0, true);
      const source = this.sources.at(slot);
      if (source !== undefined) this.tell(source, revents);
    }
  }

  /** One source's mistake is not to end what the others do. */
  private tell(source: Source, revents: number): void {
    try {
      source.onReady(revents);
    } catch (error) {
      logFailure(error instanceof Error ? error.message : "");
      this.remove(source);
      source.onFailure();
    }
  }

  private runTimers(): void {
    try {
      this.timers.runDue();
    } catch (error) {
      logFailure(error instanceof Error ? error.message : "");
    }
  }

  /**
   * Waits for sources and timers. Where a long wait begins with nothing happening, memory is given back first. A timer
   * that fires in a process at rest wakes it once: it is at rest again at once, not after another delay.
   */
  private poll(): number {
    const fds = addressOf(this.pollfds);
    let wait = this.timers.wait();
    if (wait >= 0 && wait <= IDLE_DELAY_MS) return call(Call.poll, fds, this.sources.length, wait);
    if (!this.isAtRest) {
      const ready = call(Call.poll, fds, this.sources.length, IDLE_DELAY_MS);
      if (ready !== 0) return ready;
      if (wait > 0) wait -= IDLE_DELAY_MS;
    }
    this.isAtRest = true;
    this.shrink();
    return pollShrunk(fds, this.sources.length, wait);
  }

  private resize(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.pollfds.subarray(0, Math.min(length, this.pollfds.length)));
    this.pollfds = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function logFailure(message: string): void {
  log(Level.ERROR, `a handler failed: ${message}`);
}
