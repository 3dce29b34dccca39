/** How processes have ended, for a while after it; envd-rpc.md 3.1. */
import { indexOfByte, indexOfWord } from "../../sys/search.ts";
import type { Process } from "./process.ts";

/** Ends that are kept; the oldest go first. */
const MAX_RETAINED = 4096;
const FIRST_ROOM = 16;
const NOTHING = -1;
const PID_MAX = 0x7fffffff;
const PID_BYTES = 4;
/** Until when it is kept, in monotonic milliseconds, which of all processes it was, and how it has ended. */
const RECORD_BYTES = 20;
const ORDER = 8;
const STATUS = 16;
const TAGGED = 1;

/**
 * Columns, not rows: an object for each end would keep a page of memory from being given back, wherever in it the object
 * happens to lie. Every start looks for its pid: libc does.
 */
export class RetainedEnds {
  private count = 0;
  /** NOTHING for an end that nobody is to get any more. */
  private pids = new Uint8Array(0);
  private view = new DataView(this.pids.buffer);
  /** TAGGED where there is a tag. */
  private tagged = new Uint8Array(0);
  private tags: string[] = [];
  private records = new Uint8Array(0);
  private recordView = new DataView(this.records.buffer);

  /** When the first goes, Infinity where there is none. */
  get firstUntil(): number {
    return this.count === 0 ? Infinity : this.until(0);
  }

  add(process: Process, status: number, until: number): void {
    const index = this.count;
    if (index === this.tagged.length) this.resize(Math.max(index * 2, FIRST_ROOM), 0);
    this.count += 1;
    this.view.setInt32(index * PID_BYTES, process.pid, true);
    this.tagged[index] = process.tag === undefined ? 0 : TAGGED;
    this.tags.push(process.tag ?? "");
    const at = index * RECORD_BYTES;
    this.recordView.setFloat64(at, until, true);
    this.recordView.setFloat64(at + ORDER, process.order, true);
    this.recordView.setInt32(at + STATUS, status, true);
    // Not one by one: each time costs as much as there are.
    if (this.count > 2 * MAX_RETAINED) this.drop(this.count - MAX_RETAINED);
  }

  /** Removes what is kept no longer. */
  expire(now: number): void {
    let count = 0;
    while (count < this.count && this.until(count) <= now) count++;
    this.drop(count);
  }

  /** A process of a pid and a tag has been started: nobody is to get an end of its namesakes. */
  forget(pid: number, tag: string | undefined): void {
    for (let i = this.nextOf(pid, 0); i >= 0; i = this.nextOf(pid, i)) this.clear(i);
    if (tag === undefined) return;
    for (let i = this.nextTagged(tag, 0); i >= 0; i = this.nextTagged(tag, i)) this.clear(i);
  }

  /** The index of the end of a pid, of the process that was started last; -1 where there is none. */
  byPid(pid: number): number {
    let found = NOTHING;
    // A request's number is a word, and one of those words stands for an end that nobody is to get.
    if (pid > PID_MAX) return found;
    for (let i = this.nextOf(pid, 0); i >= 0; i = this.nextOf(pid, i + 1)) found = this.later(found, i);
    return found;
  }

  /** Likewise of a tag. */
  byTag(tag: string): number {
    let found = NOTHING;
    for (let i = this.nextTagged(tag, 0); i >= 0; i = this.nextTagged(tag, i + 1)) found = this.later(found, i);
    return found;
  }

  pid(index: number): number {
    return this.view.getInt32(index * PID_BYTES, true);
  }

  status(index: number): number {
    return this.recordView.getInt32(index * RECORD_BYTES + STATUS, true);
  }

  private until(index: number): number {
    return this.recordView.getFloat64(index * RECORD_BYTES, true);
  }

  private order(index: number): number {
    return this.recordView.getFloat64(index * RECORD_BYTES + ORDER, true);
  }

  /** The first end of a pid from an index on, or -1. */
  private nextOf(pid: number, from: number): number {
    return indexOfWord(this.pids, from, this.count, pid);
  }

  private nextTagged(tag: string, from: number): number {
    for (let i = from; (i = indexOfByte(this.tagged, i, this.count, TAGGED)) >= 0; i++) if (this.tags[i] === tag) return i;
    return NOTHING;
  }

  private clear(index: number): void {
    this.view.setInt32(index * PID_BYTES, NOTHING, true);
    this.tagged[index] = 0;
  }

  private later(one: number, other: number): number {
    return one < 0 || this.order(other) > this.order(one) ? other : one;
  }

  private drop(count: number): void {
    if (count === 0) return;
    this.resize(this.count - count, count);
    this.count -= count;
    this.tags = this.tags.slice(count);
  }

  /** Makes room for so many, of which the first are those from `from` on. */
  private resize(room: number, from: number): void {
    const pids = new Uint8Array(room * PID_BYTES);
    pids.set(this.pids.subarray(from * PID_BYTES, this.count * PID_BYTES));
    const tagged = new Uint8Array(room);
    tagged.set(this.tagged.subarray(from, this.count));
    this.pids = pids;
    this.view = new DataView(pids.buffer);
    this.tagged = tagged;
    const records = new Uint8Array(room * RECORD_BYTES);
    records.set(this.records.subarray(from * RECORD_BYTES, this.count * RECORD_BYTES));
    this.records = records;
    this.recordView = new DataView(records.buffer);
  }
}
