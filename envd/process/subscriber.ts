/** Somebody who gets the events of a process, in their order and without a gap; envd-rpc.md 3.6, 3.7. */
import type { Call } from "../../connect/call.ts";
import type { RpcError } from "../../connect/error.ts";
import { CallOwner } from "../../connect/roles.ts";
import { monotonicNow } from "../../sys/clock.ts";
import type { Loop } from "../../sys/loop.ts";
import { Timer } from "../../sys/timer.ts";
import type { Frame } from "./frame.ts";
import { keepaliveFrame, startResponse } from "./messages.ts";
import type { OutputEvent } from "./output-event.ts";

/** Bytes that may wait for one subscriber before the process is read no further, and when it is read again. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;
/** Frames that leave in one turn of the loop. */
const FRAMES_PER_TURN = 32;
const COMPACT_HEAD = 64;

/** Whom a subscriber has subscribed to. */
export abstract class Publisher {
  /** The subscriber's queue has filled up, or has emptied enough. */
  abstract onFullness(isFull: boolean): void;

  /** The subscriber is gone. */
  abstract onLeft(subscriber: Subscriber): void;
}

export class Subscriber extends CallOwner {
  isFull = false;
  private fullSince = 0;
  private readonly call: Call;
  private readonly loop: Loop;
  private publisher: Publisher | undefined;
  private queue: Frame[] = [];
  /** The first frame of the queue that has not left. */
  private head = 0;
  private queued = 0;
  private isEnding = false;
  private readonly keepalive = new Timer(() => this.onSilence());
  private readonly interval: number;
  private lastEvent = 0;

  /** `interval`: milliseconds of silence after which the peer is told that the stream is alive. */
  constructor(call: Call, loop: Loop, interval: number) {
    super();
    this.call = call;
    this.loop = loop;
    this.interval = interval;
  }

  get isJson(): boolean {
    return this.call.isJson;
  }

  /** Since when the peer has taken nothing although its queue is full; on the monotonic clock. */
  get stalledSince(): number {
    return Math.max(this.fullSince, this.call.lastTaken);
  }

  private get isEmpty(): boolean {
    return this.head === this.queue.length;
  }

  /** Begins with the start of a process. */
  begin(publisher: Publisher | undefined, pid: number): void {
    this.publisher = publisher;
    this.call.hold(this);
    // Its head and this leave in one piece, and whatever comes next waits for it.
    this.call.send(startResponse(pid));
    // The peer may have gone just now.
    if (this.publisher === undefined) return;
    this.lastEvent = monotonicNow();
    this.loop.timers.start(this.keepalive, this.interval);
  }

  /** Sends a frame, which stays as it is. */
  send(shared: Frame): void {
    const frame = this.shape(shared);
    this.enqueue(frame, this.isEmpty ? this.call.offer(frame.bytes, frame.start, frame.end) : 0);
  }

  /** Sends a piece of output, which is kept where it does not leave at once. */
  sendOutput(event: OutputEvent): void {
    this.lastEvent = monotonicNow();
    const frame = this.shape(event.frame(this.isJson));
    const sent = this.isEmpty ? this.call.offer(frame.bytes, frame.start, frame.end) : 0;
    if (sent < frame.length) this.enqueue(this.shape(event.keep(this.isJson)), sent);
  }

  /** No output comes any more. */
  silence(): void {
    this.loop.timers.cancel(this.keepalive);
  }

  /** Ends when all has left. */
  finish(last: Frame): void {
    this.silence();
    this.publisher = undefined;
    if (this.isEmpty && !this.call.isBlocked) return this.call.endWith(last.bytes, last.inner, last.innerEnd);
    this.send(last);
    this.isEnding = true;
    this.settle();
  }

  /** Ends at once with an error: what waits is not sent. */
  fail(error: RpcError): void {
    this.leave();
    this.call.fail(error);
  }

  override onWritable(): void {
    for (let frames = 0; frames < FRAMES_PER_TURN; frames++) {
      const frame = this.queue.at(this.head);
      if (frame === undefined) break;
      const sent = this.call.offer(frame.bytes, frame.start, frame.end);
      if (sent === 0) break;
      if (sent < frame.length) this.call.keep(frame.bytes, frame.start + sent, frame.end);
      this.shift(frame);
      if (sent < frame.length) break;
    }
    if (this.isFull && this.queued <= LOW_WATER) this.setFull(false);
    this.settle();
  }

  override onOver(): void {
    this.leave();
  }

  /** Hears nothing more. */
  private leave(): void {
    const publisher = this.publisher;
    this.publisher = undefined;
    this.silence();
    this.queue = [];
    this.head = 0;
    this.queued = 0;
    publisher?.onLeft(this);
  }

  private shape(frame: Frame): Frame {
    return this.call.hasChunks ? frame : frame.bare();
  }

  /** Of a frame so many bytes have left: keeps the rest. */
  private enqueue(frame: Frame, sent: number): void {
    if (sent === frame.length) return;
    if (sent > 0) return this.call.keep(frame.bytes, frame.start + sent, frame.end);
    if (this.isEmpty) this.call.pull(true);
    this.queue.push(frame);
    this.queued += frame.cost;
    if (!this.isFull && this.queued > HIGH_WATER) this.setFull(true);
  }

  private shift(frame: Frame): void {
    this.queued -= frame.cost;
    this.head += 1;
    if (this.head < COMPACT_HEAD || this.head * 2 < this.queue.length) return;
    this.queue = this.queue.slice(this.head);
    this.head = 0;
  }

  private setFull(isFull: boolean): void {
    this.isFull = isFull;
    if (isFull) this.fullSince = monotonicNow();
    this.publisher?.onFullness(isFull);
  }

  private settle(): void {
    if (!this.isEmpty) return;
    this.call.pull(false);
    if (!this.isEnding) return;
    this.isEnding = false;
    this.call.end();
  }

  private onSilence(): void {
    const left = this.lastEvent + this.interval - monotonicNow();
    if (left <= 0) {
      if (this.isEmpty) this.send(keepaliveFrame(this.isJson));
      this.lastEvent = monotonicNow();
    }
    this.loop.timers.start(this.keepalive, left > 0 ? left : this.interval);
  }
}
