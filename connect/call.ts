/** A call that is being answered. Whom it serves need not know its protocol; envd-rpc.md 2.4 to 2.8, 2.13. */
import { type Exchange, UNKNOWN_LENGTH } from "../http/exchange.ts";
import { BodyWriter } from "../http/roles.ts";
import { Status } from "../http/status.ts";
import { DATA_BYTES, DATA_END, DATA_START } from "../http/transport.ts";
import { monotonicNow } from "../sys/clock.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import { Code, httpStatus } from "./code.ts";
import { MessageRoom } from "./collector.ts";
import { type Dialect, Protocol } from "./dialect.ts";
import { ENVELOPE_BYTES, Flag, putEnvelope, putHead } from "./envelope.ts";
import { printEnd, printError, printTrailers, RpcError } from "./error.ts";
import type { CallOwner, MessageReader } from "./roles.ts";
import type { MessageType } from "./schema.ts";
import { printMessage } from "./to-json.ts";
import { MessageWriter } from "./writer.ts";

/** How long a peer may take for what has begun to leave when its call ends. */
const LAST_TIMEOUT_MS = 60_000;

export class Call extends BodyWriter {
  readonly exchange: Exchange;
  /** Of the messages that it is sent. */
  readonly room = new MessageRoom();
  /** When the call's time is up: milliseconds on the monotonic clock, Infinity where it has no limit. */
  deadline = Infinity;
  /** Who takes the messages that the client streams. */
  reader: MessageReader | undefined;
  /** Whether the reader takes no more until `resume`. */
  isPaused = false;
  private readonly loop: Loop;
  private readonly dialect: Dialect;
  private readonly output: MessageType;
  private readonly headers: Map<string, string>;
  private owner: CallOwner | undefined;
  private timer: Timer | undefined;
  private isEnded = false;
  private hasBegun = false;
  /** What is longer than one buffer: of the first of these those bytes from `at` on have not been sent. */
  private pending: Uint8Array[] = [];
  private at = 0;
  /** What the socket has not taken of bytes given to `offer`: those from `restAt` to `restEnd`. */
  private rest: Uint8Array | undefined;
  private restAt = 0;
  private restEnd = 0;
  private isPulled = false;
  /** When the peer last took something given to `offer`, on the monotonic clock. */
  lastTaken = 0;
  /** The end of the stream waits for what was sent before. */
  private isEnding = false;
  private error: RpcError | undefined;

  /** `output` is the type of its answers, `headers` are those of the request that the service looks at. */
  constructor(loop: Loop, exchange: Exchange, dialect: Dialect, output: MessageType, headers: Map<string, string>) {
    super();
    this.loop = loop;
    this.exchange = exchange;
    this.dialect = dialect;
    this.output = output;
    this.headers = headers;
    exchange.addField(dialect.acceptField, "gzip");
    exchange.hold(this);
  }

  /** Whether nothing is to be sent any more: the answer is complete, or the peer is gone, or the time is up. */
  get isOver(): boolean {
    return this.isEnded;
  }

  /** Whether what was sent waits for the peer: nothing more is to be sent until the owner hears of it. */
  get isBlocked(): boolean {
    return this.pending.length > 0 || this.rest !== undefined || this.exchange.isBlocked;
  }

  /** Whether messages are in JSON. */
  get isJson(): boolean {
    return this.dialect.isJson;
  }

  /** Whether a stream goes out in chunks: of what is given to `offer` they are the caller's to make. */
  get hasChunks(): boolean {
    return this.exchange.hasChunks;
  }

  /** A field of the request, of those that the service looks at, by its name in lower case. */
  header(name: string): string | undefined {
    return this.headers.get(name);
  }

  /** The call has this long, from now on; milliseconds. */
  limit(milliseconds: number): void {
    this.deadline = monotonicNow() + milliseconds;
    const timer = new Timer(() => this.onDeadline());
    this.timer = timer;
    this.loop.timers.start(timer, milliseconds);
  }

  /** From now on `owner` hears when more may be sent, and when the call is over without its doing. */
  hold(owner: CallOwner): void {
    if (!this.isEnded) this.owner = owner;
  }

  /** The reader takes more messages. */
  resume(): void {
    this.isPaused = false;
    if (!this.isEnded) this.exchange.resume();
  }

  /** Answers a call whose answer is one message. It is over then. */
  reply(message: MessageWriter): void {
    if (this.isEnded) return;
    if (this.dialect.protocol !== Protocol.UNARY) {
      this.send(message);
      return this.end();
    }
    const out = this.dialect.isJson ? new MessageWriter() : message;
    if (this.dialect.isJson) printMessage(out, this.output, message.bytes, 0, message.size);
    this.respond(Status.OK, this.dialect.contentType, out);
  }

  /**
   * Answers like `reply` with a message that is in the call's codec already, in pieces, which it takes over: none of them is
   * empty, and together they have `size` bytes.
   */
  replyPieces(pieces: Uint8Array[], size: number): void {
    if (this.isEnded) return;
    if (this.dialect.protocol !== Protocol.UNARY) {
      this.begin();
      const head = new Uint8Array(ENVELOPE_BYTES);
      putHead(head, 0, size, Flag.NONE);
      pieces.unshift(head);
      this.sendLong(pieces, 0);
      return this.end();
    }
    this.settle();
    this.exchange.addField("Content-Type", this.dialect.contentType);
    this.exchange.begin(Status.OK, size);
    this.isEnding = true;
    if (this.sendLong(pieces, 0)) this.sendEnd();
  }

  /** Sends a message of a stream. Returns whether another may be sent at once; otherwise the owner hears of it. */
  send(message: MessageWriter): boolean {
    if (this.isEnded) return false;
    const out = this.open();
    if (this.dialect.isJson) printMessage(out, this.output, message.bytes, 0, message.size);
    else out.write(message.bytes, 0, message.size);
    return this.post(out, Flag.NONE);
  }

  /**
   * Sends bytes [start, end) of a stream that has begun: messages in their envelopes, and those in chunks. Returns how many
   * the socket has taken at once. Where that is a part of them, `keep` is to come, with bytes that stay as they are.
   */
  offer(bytes: Uint8Array, start: number, end: number): number {
    if (this.isEnded || this.isBlocked) return 0;
    const sent = this.exchange.offer(bytes, start, end);
    if (sent > 0) this.lastTaken = monotonicNow();
    return sent;
  }

  /** Keeps the rest of what was offered: bytes [start, end), which stay as they are. Nothing comes between. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    this.rest = bytes;
    this.restAt = start;
    this.restEnd = end;
    this.exchange.pull(true);
  }

  /** Whether the owner is to hear whenever the socket takes more. */
  pull(isPulled: boolean): void {
    this.isPulled = isPulled;
    this.exchange.pull(isPulled || this.rest !== undefined);
  }

  /** Ends a stream, behind what was sent. */
  end(): void {
    this.close(undefined);
  }

  /** Ends a stream with a last message: bytes [start, end) in their envelope, without a chunk around them. */
  endWith(bytes: Uint8Array, start: number, end: number): void {
    if (this.isEnded || this.isBlocked) return;
    this.settle();
    const out = this.open();
    out.size = DATA_START;
    out.write(bytes, start, end);
    this.putEnd(out);
  }

  /** Ends the call with an error, behind what was sent. */
  fail(error: RpcError): void {
    if (this.isEnded) return;
    if (this.dialect.protocol !== Protocol.UNARY) return this.close(error);
    const out = new MessageWriter();
    printError(out, error);
    this.respond(httpStatus(error.code), "application/json", out);
  }

  override onWritable(): void {
    if (!this.flushRest() || !this.pump()) return;
    if (this.isEnding) this.sendEnd();
    else this.owner?.onWritable();
  }

  override onPeerGone(): void {
    const owner = this.owner;
    this.pending = [];
    this.rest = undefined;
    this.settle();
    owner?.onOver();
  }

  private onDeadline(): void {
    const owner = this.owner;
    this.fail(new RpcError(Code.DEADLINE_EXCEEDED, "context deadline exceeded"));
    owner?.onOver();
  }

  /** Nothing more comes from whom the call serves. */
  private settle(): void {
    this.isEnded = true;
    this.owner = undefined;
    this.reader = undefined;
    this.room.close();
    if (this.timer !== undefined) this.loop.timers.cancel(this.timer);
    this.timer = undefined;
  }

  private close(error: RpcError | undefined): void {
    if (this.isEnded) return;
    this.settle();
    this.error = error;
    if (!this.isBlocked) return this.sendEnd();
    this.isEnding = true;
    this.isPulled = false;
    if (this.rest === undefined) return;
    // The connection does not know that anything waits.
    this.timer = new Timer(() => this.exchange.abort());
    this.loop.timers.start(this.timer, LAST_TIMEOUT_MS);
  }

  private respond(status: number, contentType: string, out: MessageWriter): void {
    this.settle();
    this.exchange.addField("Content-Type", contentType);
    if (out.size <= DATA_BYTES) return this.exchange.respond(status, out.bytes.slice(0, out.size));
    this.exchange.begin(status, out.size);
    this.isEnding = true;
    if (this.sendLong([out.bytes.subarray(0, out.size)], 0)) this.sendEnd();
  }

  /** A buffer of the pool to write a message to, behind the head of its envelope. */
  private open(): MessageWriter {
    if (this.isBlocked) throw new Error("a message while another one waits");
    this.begin();
    return new MessageWriter(this.exchange.take(), DATA_START + ENVELOPE_BYTES);
  }

  /** The head of a stream. */
  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.exchange.addField("Content-Type", this.dialect.contentType);
    this.exchange.begin(Status.OK, UNKNOWN_LENGTH);
  }

  private post(out: MessageWriter, flags: number): boolean {
    const bytes = out.bytes;
    putEnvelope(bytes, DATA_START + ENVELOPE_BYTES, out.size, flags);
    // One that has become too long has left the buffer of the pool.
    return out.size <= DATA_END ? this.exchange.send(bytes, out.size) : this.sendLong([bytes.subarray(0, out.size)], DATA_START);
  }

  private sendEnd(): void {
    this.isEnding = false;
    if (this.timer !== undefined) this.loop.timers.cancel(this.timer);
    // A response of known length has no end of its own.
    if (this.dialect.protocol === Protocol.UNARY) return this.exchange.end();
    const out = this.open();
    out.size = DATA_START;
    this.putEnd(out);
  }

  /** Puts the end-of-stream message behind what a buffer of the pool has, and sends it. */
  private putEnd(out: MessageWriter): void {
    const start = out.size + ENVELOPE_BYTES;
    out.size = start;
    const isGrpc = this.dialect.protocol === Protocol.GRPC_WEB;
    if (isGrpc) printTrailers(out, this.error);
    else printEnd(out, this.error);
    putEnvelope(out.bytes, start, out.size, isGrpc ? Flag.TRAILERS : Flag.END);
    this.exchange.sendLast(out.bytes, out.size);
  }

  /** Goes on with the rest of what was offered. Returns whether all of it has left. */
  private flushRest(): boolean {
    const rest = this.rest;
    if (rest === undefined) return true;
    const sent = this.exchange.offer(rest, this.restAt, this.restEnd);
    if (sent > 0) this.lastTaken = monotonicNow();
    this.restAt += sent;
    if (this.restAt < this.restEnd) return false;
    this.rest = undefined;
    this.exchange.pull(this.isPulled);
    return true;
  }

  /** Sends pieces, the first from a position on, buffer by buffer. */
  private sendLong(pieces: Uint8Array[], at: number): boolean {
    this.pending = pieces;
    this.at = at;
    return this.pump();
  }

  /** Goes on with what is pending; returns whether all of it has left. */
  private pump(): boolean {
    for (let piece = this.pending.at(0); piece !== undefined; piece = this.pending.at(0)) {
      const buffer = this.exchange.take();
      const stop = Math.min(this.at + DATA_BYTES, piece.length);
      buffer.set(piece.subarray(this.at, stop), DATA_START);
      const end = DATA_START + stop - this.at;
      this.at = stop;
      if (stop === piece.length) {
        this.pending.shift();
        this.at = 0;
      }
      if (!this.exchange.send(buffer, end)) return false;
    }
    return true;
  }
}
