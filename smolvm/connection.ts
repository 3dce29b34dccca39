/** One connection: reads its request, lets an operation answer it, and closes so that the answer arrives. */
import type { JsonValue } from "../json/value.ts";
import { Errno } from "../sys/errno.ts";
import { close } from "../sys/file.ts";
import { Level, log, logs } from "../sys/log.ts";
import { Ready, Source } from "../sys/loop.ts";
import { Outbox, Sent } from "../sys/outbox.ts";
import { growSendBuffer, receive, shutdownSending } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import { HEADER_BYTES } from "./frame.ts";
import type { Host } from "./host.ts";
import type { Operation } from "./operation.ts";
import { NOT_A_REQUEST, PartialFrame, requestLength } from "./request.ts";

const enum Phase {
  /** The request is on its way. */
  READING,
  /** The request is there and waits for its turn. */
  QUEUED,
  /** An operation answers. */
  SERVING,
  /** The last frame is written; what the peer has not taken yet still leaves. */
  FLUSHING,
  /** The peer may still be sending: what comes is dropped until it closes. */
  LINGERING,
  CLOSED,
}

const REQUEST_TIMEOUT_MS = 60_000;
/** How long a peer that has its answer may be silent before it closes. */
const LINGER_TIMEOUT_MS = 10_000;
/** A larger request needs the host's leave before it is held in memory. */
const SMALL_FRAME_BYTES = 65536;
/** What may be on its way to a peer that reads a file. */
const BULK_BYTES = 512 * 1024;

export class Connection extends Source {
  /** The index in the host's list. Only the host writes it. */
  place = 0;
  private readonly host: Host;
  private phase = Phase.READING;
  private timer: Timer | undefined;
  private operation: Operation | undefined;
  private partial: PartialFrame | undefined;
  /** Bytes that the host has reserved for a large request. */
  private reserved = 0;
  /** Bytes that it has been asked for and has not granted yet. */
  private wish = 0;
  /** The request while it waits for its turn. */
  private request: JsonValue | undefined;
  /** What came behind the request in one piece with it. */
  private rest: Uint8Array | undefined;
  private readonly outbox: Outbox;
  private expectsMore = false;
  private awaitsShut: boolean;
  /** Nothing of the peer's was left unread a moment ago. */
  private isDrained = false;

  /** With `isTcp` a peer that closed looks like one that only stopped sending. */
  constructor(host: Host, fd: number, isTcp: boolean) {
    super(fd);
    this.host = host;
    this.awaitsShut = isTcp;
    this.outbox = new Outbox(fd, host.buffers);
  }

  get isOpen(): boolean {
    return this.phase !== Phase.CLOSED;
  }

  /** Whether a request is being answered, to the last byte of the answer. */
  get isServing(): boolean {
    return this.phase === Phase.SERVING || this.phase === Phase.FLUSHING || this.phase === Phase.LINGERING;
  }

  /** Whether something sent has not left yet. */
  get isBlocked(): boolean {
    return !this.outbox.isEmpty;
  }

  /** Begins to read the request, which often is there already. */
  start(): void {
    this.readRequest();
    if (this.phase === Phase.READING) this.setTimeout(REQUEST_TIMEOUT_MS);
  }

  /** The request waits for its turn. */
  enqueue(request: JsonValue): void {
    this.phase = Phase.QUEUED;
    this.request = request;
  }

  /** Takes the request whose turn has come. */
  takeRequest(): JsonValue | undefined {
    const request = this.request;
    this.request = undefined;
    return request;
  }

  /** An operation answers from now on. */
  serve(operation: Operation): void {
    this.phase = Phase.SERVING;
    this.operation = operation;
    this.isDrained = false;
    this.unreserve();
    this.updateEvents();
  }

  /** Much is to be sent. */
  expectBulk(): void {
    growSendBuffer(this.fd, BULK_BYTES);
  }

  /** Takes what came behind the request in one piece with it. */
  takeRest(): Uint8Array | undefined {
    const rest = this.rest;
    this.rest = undefined;
    return rest;
  }

  /** Receives into an array; 0 where the peer has gone, -EAGAIN where nothing is there. */
  receiveInto(bytes: Uint8Array, length: number): number {
    const received = receive(this.fd, bytes, 0, length);
    return received < 0 && received !== -Errno.EAGAIN ? 0 : received;
  }

  /**
   * Sends bytes [0, end) of a buffer of the host's pool, which it takes over. Returns whether all of them have left and
   * more may be sent; otherwise `onWritable` or `onPeerGone` of the operation tells how it goes on.
   */
  sendBuffer(buffer: Uint8Array, end: number): boolean {
    return this.onSent(this.outbox.send(buffer, 0, end, true));
  }

  /**
   * Sends the last frame and closes when it has left. With `expectsMore` the peer is known to be still sending, and is
   * heard to its end so that the answer is not lost to a reset.
   */
  finish(frame: Uint8Array, expectsMore: boolean): void {
    this.operation = undefined;
    this.phase = Phase.FLUSHING;
    this.expectsMore = expectsMore;
    if (this.onSent(this.outbox.send(frame, 0, frame.length, false))) this.settle();
  }

  /** Like `finish`, where the operation has sent its terminator itself. */
  finishSent(): void {
    this.operation = undefined;
    this.phase = Phase.FLUSHING;
    if (!this.isBlocked) this.settle();
  }

  /** Drops the connection: what it does is undone. */
  abort(): void {
    const operation = this.operation;
    this.operation = undefined;
    this.close();
    operation?.onPeerGone();
  }

  override onReady(ready: number): void {
    const gone = (ready & (Ready.HANGUP | Ready.FAILED | Ready.INVALID)) !== 0;
    if (this.phase === Phase.READING && this.wish === 0) this.readRequest();
    else if (this.phase === Phase.LINGERING) this.drain();
    else if (this.isBlocked) this.flush();
    else if (this.operation?.interest === Ready.READABLE) this.operation.onReadable();
    else if (gone) this.abort();
    else if ((ready & Ready.PEER_SHUT) !== 0) this.onPeerShut();
    else if ((ready & Ready.WRITABLE) !== 0) this.operation?.onWritable();
    if (this.isOpen) this.updateEvents();
  }

  override onFailure(): void {
    this.abort();
  }

  /** Bytes that the host has been asked to reserve, and has not yet; otherwise 0. */
  get wishedLength(): number {
    return this.wish;
  }

  /** The host has reserved what was wished for. */
  grantWish(): void {
    this.reserved = this.wish;
    this.wish = 0;
    this.updateEvents();
  }

  private onPeerShut(): void {
    this.awaitsShut = false;
    this.operation?.onPeerShut();
  }

  private onTimeout(): void {
    if (logs(Level.DEBUG)) log(Level.DEBUG, `connection ${this.fd}: timed out`);
    this.close();
  }

  private readRequest(): void {
    const partial = this.partial;
    const inbox = this.host.inbox;
    if (partial === undefined) {
      const received = this.receiveInto(inbox, inbox.length);
      if (received > 0) this.onFirstBytes(inbox, received);
      else if (received === 0) this.close();
      else this.updateEvents();
      return;
    }
    // Making room may move the bytes.
    const room = partial.makeRoom();
    const received = receive(this.fd, partial.bytes, partial.have, room);
    if (received === -Errno.EAGAIN) return;
    if (received <= 0) return this.close();
    partial.have += received;
    const length = requestLength(partial.bytes, partial.have);
    if (length === NOT_A_REQUEST) this.close();
    else if (partial.have < length) this.holdPartial(partial);
    else this.onWholeRequest(partial.bytes, length);
  }

  private onFirstBytes(inbox: Uint8Array, received: number): void {
    const length = requestLength(inbox, received);
    if (length === NOT_A_REQUEST) return this.close();
    if (received < length) {
      this.partial = new PartialFrame(inbox, received);
      return this.holdPartial(this.partial);
    }
    if (received > length) this.rest = inbox.slice(length, received);
    this.isDrained = received < inbox.length;
    this.onWholeRequest(inbox, length);
  }

  /** Waits for more of a request, with the host's leave where it is a large one. */
  private holdPartial(partial: PartialFrame): void {
    const length = partial.length;
    if (length > SMALL_FRAME_BYTES && this.reserved === 0) {
      if (this.host.reserve(length)) this.reserved = length;
      else this.wish = length;
    }
    this.updateEvents();
  }

  private onWholeRequest(bytes: Uint8Array, end: number): void {
    this.setTimeout(0);
    this.host.onRequest(this, bytes, HEADER_BYTES, end);
    this.partial = undefined;
    if (this.phase === Phase.QUEUED) this.updateEvents();
  }

  private unreserve(): void {
    const reserved = this.reserved;
    this.reserved = 0;
    if (reserved > 0) this.host.unreserve(reserved);
    if (this.wish > 0) this.host.withdrawWish();
    this.wish = 0;
  }

  /** Handles what has become of bytes. Returns whether the connection goes on with nothing pending. */
  private onSent(sent: Sent): boolean {
    if (sent === Sent.GONE) this.abort();
    else if (sent === Sent.SOME) this.updateEvents();
    return sent === Sent.ALL;
  }

  /** The socket takes more of what is pending. */
  private flush(): void {
    if (!this.onSent(this.outbox.flush())) return;
    if (this.phase === Phase.SERVING) this.operation?.onWritable();
    else this.settle();
  }

  /**
   * Everything has left. Closing while bytes of the peer are unread would reset the connection, and with it what the
   * peer has not read yet.
   */
  private settle(): void {
    if (this.isDrained && !this.expectsMore) return this.close();
    const inbox = this.host.inbox;
    const received = this.receiveInto(inbox, inbox.length);
    if (received === 0 || (received < 0 && !this.expectsMore)) return this.close();
    this.phase = Phase.LINGERING;
    shutdownSending(this.fd);
    this.setTimeout(LINGER_TIMEOUT_MS);
    this.updateEvents();
  }

  private drain(): void {
    const inbox = this.host.inbox;
    const received = this.receiveInto(inbox, inbox.length);
    if (received === 0) this.close();
    else if (received > 0) this.setTimeout(LINGER_TIMEOUT_MS);
  }

  /** Sets the timer of the phase anew; 0 stops it. */
  private setTimeout(milliseconds: number): void {
    const timers = this.host.loop.timers;
    const timer = this.timer;
    if (timer !== undefined) timers.cancel(timer);
    if (milliseconds > 0) timers.start(timer ?? this.makeTimer(), milliseconds);
  }

  /** (A function of its own: natively one that makes a closure allocates on every call.) */
  private makeTimer(): Timer {
    const timer = new Timer(() => this.onTimeout());
    this.timer = timer;
    return timer;
  }

  private updateEvents(): void {
    const events = this.wantedEvents();
    if (this.slot < 0) this.host.loop.add(this, events);
    else this.host.loop.setEvents(this, events);
  }

  private wantedEvents(): number {
    if (this.isBlocked) return Ready.WRITABLE;
    switch (this.phase) {
      case Phase.READING:
        return this.wish > 0 ? Ready.NONE : Ready.READABLE;
      case Phase.LINGERING:
        return Ready.READABLE;
      case Phase.SERVING:
        return (this.operation?.interest ?? Ready.NONE) | (this.awaitsShut ? Ready.PEER_SHUT : Ready.NONE);
      default:
        return Ready.NONE;
    }
  }

  close(): void {
    if (this.phase === Phase.CLOSED) return;
    this.phase = Phase.CLOSED;
    this.setTimeout(0);
    this.timer = undefined;
    this.host.loop.remove(this);
    close(this.fd);
    this.outbox.discard();
    this.rest = undefined;
    this.partial = undefined;
    this.request = undefined;
    this.unreserve();
    this.host.onClosed(this);
  }
}
