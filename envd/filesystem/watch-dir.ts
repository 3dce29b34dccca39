/** WatchDir: a watcher whose events go out as they come; envd-rpc.md 4.6. */
import type { Call } from "../../connect/call.ts";
import { ENVELOPE_BYTES, Flag, putEnvelope } from "../../connect/envelope.ts";
import type { RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { CallOwner } from "../../connect/roles.ts";
import { printMessage } from "../../connect/to-json.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { chunkEnd, chunkStart } from "../../http/chunk.ts";
import { Output } from "../../json/output.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { SysError } from "../../sys/errno.ts";
import type { Loop } from "../../sys/loop.ts";
import { Timer } from "../../sys/timer.ts";
import { keepaliveInterval } from "../keepalive.ts";
import type { Slices } from "../slices.ts";
import { type EventBudget, EventQueue } from "./event-queue.ts";
import { isLegacy, markLegacy } from "./legacy.ts";
import { filesystemSchema } from "./messages.ts";
import type { Workshop } from "./method.ts";
import { creationError, WatchRequest } from "./watch-request.ts";
import { Watcher } from "./watcher.ts";

/** Events that may wait for a client. */
const MAX_EVENTS = 16_384;
/** About what leaves in one piece; bytes. */
const BATCH_BYTES = 16_384;
/** Room before and behind a batch for its chunk. */
const CHUNK_ROOM = 16;
const CHUNK_TAIL = 2;
/** Fields of WatchDirResponse. */
const START = 1;
const FILESYSTEM = 2;
const KEEPALIVE = 3;

/** Forwards what a call tells. (An object cannot be both a CallOwner and a Watcher.) */
class StreamOwner extends CallOwner {
  private readonly watcher: StreamWatcher;

  constructor(watcher: StreamWatcher) {
    super();
    this.watcher = watcher;
  }

  override onWritable(): void {
    this.watcher.drain();
  }

  override onOver(): void {
    this.watcher.release();
  }
}

class StreamWatcher extends Watcher {
  private readonly call: Call;
  private readonly hasEntries: boolean;
  private readonly keepalive = new Timer(() => this.onSilence());
  private readonly interval: number;
  private lastEvent = 0;

  constructor(call: Call, loop: Loop, slices: Slices, request: WatchRequest, budget: EventBudget) {
    super(loop, slices, request, new EventQueue(budget, MAX_EVENTS));
    this.call = call;
    this.hasEntries = !isLegacy(call);
    this.interval = keepaliveInterval(call);
    call.hold(new StreamOwner(this));
  }

  /** Sends what waits, as far as the client takes it. */
  drain(): void {
    if (this.queue.count > 0) this.lastEvent = monotonicNow();
    while (this.queue.count > 0 && !this.call.isOver && !this.call.isBlocked) this.sendBatch();
  }

  override release(): void {
    super.release();
    // The watched directory may be gone while the call goes on.
    if (!this.call.isOver) return;
    this.loop.timers.cancel(this.keepalive);
    this.queue.takeAll();
  }

  protected override onWatched(): void {
    markLegacy(this.call);
    this.call.send(emptyEvent(START));
    this.lastEvent = monotonicNow();
    if (!this.call.isOver) this.loop.timers.start(this.keepalive, this.interval);
  }

  protected override onEvents(_taken: number): void {
    this.drain();
  }

  protected override onFailed(error: RpcError): void {
    this.call.fail(error);
    this.release();
    this.loop.timers.cancel(this.keepalive);
    this.queue.takeAll();
  }

  private sendBatch(): void {
    const call = this.call;
    const type = filesystemSchema.type("WatchDirResponse");
    const out = new Output(new Uint8Array(1024), CHUNK_ROOM);
    const response = new MessageWriter();
    while (out.size < BATCH_BYTES) {
      const event = this.queue.shift();
      if (event === undefined) break;
      response.size = 0;
      response.presentData(FILESYSTEM, event.bytes, 0, this.hasEntries ? event.bytes.length : event.plainSize);
      out.reserve(ENVELOPE_BYTES);
      out.size += ENVELOPE_BYTES;
      const start = out.size;
      if (call.isJson) printMessage(out, type, response.bytes, 0, response.size);
      else out.write(response.bytes, 0, response.size);
      putEnvelope(out.bytes, start, out.size, Flag.NONE);
    }
    out.reserve(CHUNK_TAIL);
    const start = call.hasChunks ? chunkStart(out.bytes, CHUNK_ROOM, out.size) : CHUNK_ROOM;
    const end = call.hasChunks ? chunkEnd(out.bytes, out.size) : out.size;
    const sent = call.offer(out.bytes, start, end);
    if (sent < end - start) call.keep(out.bytes, start + sent, end);
  }

  private onSilence(): void {
    const left = this.lastEvent + this.interval - monotonicNow();
    if (left <= 0) {
      if (this.queue.count === 0 && !this.call.isBlocked) this.call.send(emptyEvent(KEEPALIVE));
      this.lastEvent = monotonicNow();
    }
    if (!this.call.isOver) this.loop.timers.start(this.keepalive, left > 0 ? left : this.interval);
  }
}

/** A response that says no more than which it is. */
function emptyEvent(number: number): MessageWriter {
  const out = new MessageWriter();
  out.close(out.open(number));
  return out;
}

export function watchDir(call: Call, request: Message, shop: Workshop): void {
  const watched = WatchRequest.of(request, shop.resolve(request.text(1), shop.userOf(call)));
  try {
    new StreamWatcher(call, shop.loop, shop.slices, watched, shop.budget).begin();
  } catch (error) {
    // Thrown as one or the other, natively, it would be no Error at all.
    if (error instanceof SysError) throw creationError(error);
    throw error;
  }
}
