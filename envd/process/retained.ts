/** How processes have ended, for a while after it; envd-rpc.md 3.1. */
import type { Process } from "./process.ts";

/** Ends that are kept; the oldest go first. */
const MAX_RETAINED = 4096;
const NOTHING = -1;

/**
 * Columns, not rows: an object for each end would keep a page of memory from being given back, wherever in it the object
 * happens to lie.
 */
export class RetainedEnds {
  private pids: number[] = [];
  private statuses: number[] = [];
  /** Which of all processes it was. */
  private orders: number[] = [];
  /** Until when it is kept; monotonic milliseconds. */
  private until: number[] = [];
  /** 1 where there is a tag. */
  private tagged: number[] = [];
  private tags: string[] = [];

  /** When the first goes, Infinity where there is none. */
  get firstUntil(): number {
    return this.until.at(0) ?? Infinity;
  }

  add(process: Process, status: number, until: number): void {
    this.pids.push(process.pid);
    this.statuses.push(status);
    this.orders.push(process.order);
    this.until.push(until);
    this.tagged.push(process.tag === undefined ? 0 : 1);
    this.tags.push(process.tag ?? "");
    // Not one by one: each time costs as much as there are.
    if (this.pids.length > 2 * MAX_RETAINED) this.drop(this.pids.length - MAX_RETAINED);
  }

  /** Removes what is kept no longer. */
  expire(now: number): void {
    let count = 0;
    while (count < this.until.length && (this.until[count] ?? 0) <= now) count++;
    this.drop(count);
  }

  /** A process of a pid and a tag has been started: nobody is to get an end of its namesakes. */
  forget(pid: number, tag: string | undefined): void {
    for (let i = 0; i < this.pids.length; i++) {
      if (this.pids[i] !== pid && (tag === undefined || !this.hasTag(i, tag))) continue;
      this.pids[i] = NOTHING;
      this.tagged[i] = 0;
    }
  }

  /** The index of the end of a pid, of the process that was started last; -1 where there is none. */
  byPid(pid: number): number {
    let found = NOTHING;
    for (let i = 0; i < this.pids.length; i++) if (this.pids[i] === pid) found = this.later(found, i);
    return found;
  }

  /** Likewise of a tag. */
  byTag(tag: string): number {
    let found = NOTHING;
    for (let i = 0; i < this.pids.length; i++) if (this.hasTag(i, tag)) found = this.later(found, i);
    return found;
  }

  pid(index: number): number {
    return this.pids.at(index) ?? 0;
  }

  status(index: number): number {
    return this.statuses.at(index) ?? 0;
  }

  private hasTag(index: number, tag: string): boolean {
    return this.tagged[index] === 1 && this.tags[index] === tag;
  }

  private later(one: number, other: number): number {
    return one < 0 || (this.orders[other] ?? 0) > (this.orders[one] ?? 0) ? other : one;
  }

  private drop(count: number): void {
    if (count === 0) return;
    this.pids = this.pids.slice(count);
    this.statuses = this.statuses.slice(count);
    this.orders = this.orders.slice(count);
    this.until = this.until.slice(count);
    this.tagged = this.tagged.slice(count);
    this.tags = this.tags.slice(count);
  }
}
