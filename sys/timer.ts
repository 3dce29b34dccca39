/** Timers: a binary heap by deadline, on the monotonic clock. */
import { monotonicNow } from "./clock.ts";

export class Timer {
  deadline = 0;
  /** The index in the heap, -1 where not started. Only the heap writes it. */
  slot = -1;
  /** Called once, after the deadline. */
  readonly onTimer: () => void;

  constructor(onTimer: () => void) {
    this.onTimer = onTimer;
  }
}

export class TimerHeap {
  private heap: Timer[] = [];
  /** Timers that the heap's array may have room for. */
  private room = 64;
  /** When the loop has last waited, while any timer runs; monotonic milliseconds. */
  now = 0;
  /** The first deadline, Infinity without a timer: a turn of the loop looks here, not into the heap. */
  private next = Infinity;

  /** Starts a timer that fires once, `milliseconds` from now; one that runs already is set anew. */
  start(timer: Timer, milliseconds: number): void {
    this.cancel(timer);
    const now = monotonicNow();
    if (this.next === Infinity) this.now = now;
    timer.deadline = now + milliseconds;
    timer.slot = this.heap.length;
    this.heap.push(timer);
    this.room = Math.max(this.room, this.heap.length);
    this.rise(timer);
    this.updateNext();
  }

  /** Stops a timer; does nothing for one that does not run. */
  cancel(timer: Timer): void {
    const slot = timer.slot;
    if (slot < 0) return;
    timer.slot = -1;
    const last = this.heap.at(-1);
    this.heap.pop();
    if (last !== undefined && slot < this.heap.length) {
      this.place(last, slot);
      this.rise(last);
      this.sink(last);
    }
    this.updateNext();
    // After a burst the array goes back to its idle size.
    if (this.room <= 64 || this.heap.length * 4 >= this.room) return;
    this.room = Math.ceil(this.room / 2);
    this.heap = this.heap.slice();
  }

  /** Milliseconds from `runDue` until the first deadline, rounded up, as poll(2) takes them; -1 without a timer. */
  wait(): number {
    if (this.next === Infinity) return -1;
    return Math.min(Math.max(Math.ceil(this.next - this.now), 0), 0x7fffffff);
  }

  /** Fires what is due. A timer that a handler starts waits for the next turn, however short it is. */
  runDue(): void {
    this.readClock();
    while (this.next <= this.now) {
      const first = this.heap.at(0);
      if (first === undefined) return;
      this.cancel(first);
      first.onTimer();
    }
  }

  /** Sets `now`, where any timer runs: what is told apart by it has timers. */
  readClock(): void {
    if (this.next !== Infinity) this.now = monotonicNow();
  }

  private updateNext(): void {
    this.next = this.heap.at(0)?.deadline ?? Infinity;
  }

  private place(timer: Timer, slot: number): void {
    this.heap[slot] = timer;
    timer.slot = slot;
  }

  private rise(timer: Timer): void {
    while (timer.slot > 0) {
      const parentSlot = (timer.slot - 1) >> 1;
      const parent = this.heap.at(parentSlot);
      if (parent === undefined || parent.deadline <= timer.deadline) return;
      this.place(parent, timer.slot);
      this.place(timer, parentSlot);
    }
  }

  private sink(timer: Timer): void {
    for (;;) {
      const left = this.heap.at(timer.slot * 2 + 1);
      const right = this.heap.at(timer.slot * 2 + 2);
      const child = left !== undefined && right !== undefined && right.deadline < left.deadline ? right : left;
      if (child === undefined || child.deadline >= timer.deadline) return;
      const slot = child.slot;
      this.place(child, timer.slot);
      this.place(timer, slot);
    }
  }
}
