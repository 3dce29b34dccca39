/** One connection: requests in order, one at a time, each answered before the next is looked at. */
import { Errno } from "../sys/errno.ts";
import { close } from "../sys/file.ts";
import { Level, log, logs } from "../sys/log.ts";
import { Ready } from "../sys/loop.ts";
import { Outbox, Sent } from "../sys/outbox.ts";
import { receive, send, setResetOnClose, shutdownSending } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import { sendFile } from "../sys/transfer.ts";
import { Exchange } from "./exchange.ts";
import { FramingError } from "./framing.ts";
import { HeadError, MORE } from "./head.ts";
import { HeadIntake } from "./head-intake.ts";
import { Inbox } from "./inbox.ts";
import { IncomingBody } from "./incoming-body.ts";
import { CONTINUE, refusal } from "./interim.ts";
import type { Site } from "./site.ts";
import { Status } from "./status.ts";
import { Patience } from "./patience.ts";
import { Transport } from "./transport.ts";

const enum Phase {
  /** Between requests, or in the middle of a head. */
  HEAD,
  /** A request is there; its body may still be coming. */
  SERVING,
  /** All is said; what the peer still sends is dropped until it closes. */
  LINGERING,
  CLOSED,
}

/** What one read takes while a head is awaited: what a client sends on ahead waits in memory. */
const HEAD_READ_BYTES = 8192;
/** How long a head may take from its first byte to its last. */
const HEAD_TIMEOUT_MS = 60_000;
const LINGER_TIMEOUT_MS = 10_000;

export class Connection extends Transport {
  /** The index in the site's list. Only the server writes it. */
  place = 0;
  private readonly site: Site;
  private readonly outbox: Outbox;
  private readonly inbox = new Inbox();
  private phase = Phase.HEAD;
  private exchange: Exchange | undefined;
  private body: IncomingBody | undefined;
  private readonly intake: HeadIntake;
  private readonly patience: Patience;
  private later: Timer | undefined;
  /** The request allows another one after it. */
  private isPersistent = true;
  private isProcessing = false;

  constructor(site: Site, fd: number) {
    super(fd, site.loop, site.buffers);
    this.site = site;
    this.intake = new HeadIntake(site);
    this.outbox = new Outbox(fd, site.buffers);
    this.patience = new Patience(site.loop, site.idleLimit, () => this.onTimeout());
  }

  /** Whether no request is being received or answered. */
  get isIdle(): boolean {
    return this.phase === Phase.HEAD && this.inbox.isEmpty;
  }

  /** Whether no request is there, at most the beginning of one: it may have to make room for another connection. */
  get isSpare(): boolean {
    return this.phase === Phase.HEAD;
  }

  /** When a spare connection was last used, or its head began, on the loop's clock. */
  get spareSince(): number {
    return this.patience.lastProgress;
  }

  override get isBlocked(): boolean {
    return !this.outbox.isEmpty;
  }

  override get keepsAlive(): boolean {
    return this.isPersistent && this.site.keepsAlive && this.isBodyWhole;
  }

  /** Begins: a request often is there already. */
  start(): void {
    this.read();
    this.update();
  }

  override onReady(ready: number): void {
    if (this.phase === Phase.LINGERING) this.drain();
    else {
      if (this.isBlocked && (ready & (Ready.WRITABLE | Ready.HANGUP | Ready.FAILED)) !== 0) this.flush();
      else if (this.exchange?.isPulled === true && (ready & Ready.WRITABLE) !== 0) this.exchange.onWritable();
      if (this.wantsRead && (ready & (Ready.READABLE | Ready.HANGUP | Ready.FAILED)) !== 0) this.read();
      else if ((ready & (Ready.HANGUP | Ready.FAILED | Ready.INVALID)) !== 0) this.abort();
      else if ((ready & Ready.PEER_SHUT) !== 0 && this.exchange?.endsWithPeer === true) this.abort();
    }
    this.update();
  }

  override onFailure(): void {
    this.abort();
  }

  override send(bytes: Uint8Array, start: number, end: number, isLent: boolean): boolean {
    // The descriptor may be another connection's by now.
    if (this.phase === Phase.CLOSED) return false;
    this.patience.progress();
    return this.onSent(this.outbox.send(bytes, start, end, isLent));
  }

  override offer(bytes: Uint8Array, start: number, end: number): number {
    if (this.isBlocked) return 0;
    this.patience.progress();
    // A failure comes back as an event of the socket.
    return Math.max(send(this.fd, bytes, start, end), 0);
  }

  override sendFile(fd: number, offset: number, count: number): number {
    const sent = sendFile(this.fd, fd, offset, count);
    if (sent > 0) this.patience.progress();
    return sent;
  }

  override startBody(): void {
    const body = this.body;
    // What the client has sent already says that it did not wait.
    if (body?.isHeldBack === true && this.inbox.isEmpty) this.send(CONTINUE, 0, CONTINUE.length, false);
    if (body !== undefined) body.isHeldBack = false;
    this.resumeBody(false);
  }

  override resumeBody(isLater: boolean): void {
    if (isLater) {
      const timer = this.later ?? new Timer(() => this.resumeBody(false));
      this.later = timer;
      this.loop.timers.start(timer, 0);
      return;
    }
    if (this.body !== undefined) this.body.isWanted = true;
    this.goOn();
  }

  override update(): void {
    if (this.phase === Phase.CLOSED) return;
    let events = Ready.NONE;
    if (this.isBlocked || (this.exchange?.isPulled === true && this.phase === Phase.SERVING)) events |= Ready.WRITABLE;
    if (this.wantsRead) events |= Ready.READABLE;
    if (this.exchange?.endsWithPeer === true) events |= Ready.PEER_SHUT;
    if (this.slot < 0) this.loop.add(this, events);
    else this.loop.setEvents(this, events);
  }

  override endResponse(): void {
    if (!this.isBlocked) this.goOn();
  }

  /** Drops it, and resets it for a peer that is there. */
  reset(): void {
    // The descriptor may be another connection's by now.
    if (this.phase === Phase.CLOSED) return;
    setResetOnClose(this.fd, true);
    this.abort();
  }

  /** Drops the connection and what it was about. */
  override abort(): void {
    if (this.phase === Phase.CLOSED) return;
    this.phase = Phase.CLOSED;
    this.patience.end();
    if (this.later !== undefined) this.loop.timers.cancel(this.later);
    this.later = undefined;
    this.loop.remove(this);
    close(this.fd);
    this.outbox.discard();
    this.inbox.clear();
    this.intake.forget();
    const exchange = this.exchange;
    this.exchange = undefined;
    // First, because what the exchange was about may fail.
    this.site.onClosed(this);
    exchange?.onLost();
  }

  private get isBodyWhole(): boolean {
    return this.body?.isWhole ?? true;
  }

  private get wantsRead(): boolean {
    switch (this.phase) {
      case Phase.HEAD:
        return !this.isBlocked;
      case Phase.SERVING:
        return this.exchange?.isDone === false && this.body?.isWanted === true && !this.body.isWhole && this.inbox.isEmpty;
      case Phase.LINGERING:
        return true;
      default:
        return false;
    }
  }

  private read(): void {
    const buffer = this.buffers.take();
    const limit = this.phase === Phase.HEAD ? HEAD_READ_BYTES : buffer.length;
    const received = receive(this.fd, buffer, 0, limit);
    if (received > 0) {
      if (this.phase === Phase.SERVING || this.inbox.isEmpty) this.patience.progress();
      this.inbox.lend(buffer, received);
      this.process();
      this.inbox.keep();
    }
    this.buffers.give(buffer);
    if (received === 0 || (received < 0 && received !== -Errno.EAGAIN && received !== -Errno.EINTR)) this.abort();
  }

  /** Something has changed: goes on, unless that happens already further up in the stack. */
  private goOn(): void {
    if (this.isProcessing) return;
    this.process();
    this.update();
  }

  /** Goes on with what has been received, as far as it goes. */
  private process(): void {
    this.isProcessing = true;
    try {
      while (this.step());
    } catch (error) {
      if (error instanceof HeadError) this.refuse(error.status, error.message);
      else if (error instanceof FramingError) this.breakOff(Status.BAD_REQUEST, error.message);
      else this.onHandlerFailure(error instanceof Error ? error.message : "");
    }
    this.isProcessing = false;
  }

  /** Returns whether there may be more to do. */
  private step(): boolean {
    if (this.phase === Phase.HEAD) return !this.isBlocked && !this.inbox.isEmpty && this.takeRequest();
    if (this.phase !== Phase.SERVING) return false;
    const exchange = this.exchange;
    if (exchange === undefined) return false;
    if (exchange.isDone) return !this.isBlocked && this.settle(exchange);
    const body = this.body;
    return body !== undefined && body.isWanted && !body.isWhole && this.takeBody(exchange, body);
  }

  private takeRequest(): boolean {
    const end = this.intake.find(this.inbox);
    if (end === MORE) {
      // From its first byte on it has its time.
      if (this.intake.wait(this.inbox)) this.patience.set(Math.min(HEAD_TIMEOUT_MS, this.site.idleLimit));
      return false;
    }
    const head = this.site.head;
    head.parse(this.inbox.bytes, end);
    this.inbox.skip(end);
    this.phase = Phase.SERVING;
    this.isPersistent = head.keepsAlive;
    this.body = head.hasBody ? new IncomingBody(head) : undefined;
    const exchange = new Exchange(this, head);
    this.exchange = exchange;
    if (logs(Level.DEBUG)) log(Level.DEBUG, `connection ${this.fd}: ${head.method} ${head.path}`);
    this.site.handler.handle(exchange, head);
    head.release();
    // Its time runs from here; without a body it has none.
    this.patience.progress();
    if (this.isBodyWhole && this.phase === Phase.SERVING) exchange.onBodyEnd();
    return true;
  }

  private takeBody(exchange: Exchange, body: IncomingBody): boolean {
    const reader = exchange.bodyReader;
    if (reader === undefined) return false;
    body.deliver(this.inbox, reader);
    if (this.phase !== Phase.SERVING) return false;
    if (body.isWhole) exchange.onBodyEnd();
    // A body that is refused may have been answered by its reader.
    return body.isWhole || exchange.isDone || (body.isWanted && !this.inbox.isEmpty);
  }

  /** The response has left. Returns whether another request may follow. */
  private settle(exchange: Exchange): boolean {
    const isWhole = this.isBodyWhole;
    this.exchange = undefined;
    this.body = undefined;
    // Since the head was made it may have been said that none is kept; and while others wait to be accepted none is.
    const isKept = this.site.keepsAlive && this.site.isAccepting;
    if (isWhole && !exchange.isLast && (isKept || !this.inbox.isEmpty)) {
      this.phase = Phase.HEAD;
      return true;
    }
    this.leave(isWhole);
    return false;
  }

  /** Closes so that the answer arrives: bytes of the peer that nobody has read would reset the connection. */
  private leave(isWhole: boolean): void {
    this.inbox.clear();
    if (isWhole && this.drop() <= 0) return this.abort();
    this.phase = Phase.LINGERING;
    shutdownSending(this.fd);
    this.patience.set(LINGER_TIMEOUT_MS);
  }

  /** A peer that sends no end is left after the time limit, however much it sends. */
  private drain(): void {
    const received = this.drop();
    if (received === 0 || (received < 0 && received !== -Errno.EAGAIN)) this.abort();
  }

  /** Receives something that nobody wants. Returns how much, or -errno. */
  private drop(): number {
    const buffer = this.buffers.take();
    const received = receive(this.fd, buffer, 0, buffer.length);
    this.buffers.give(buffer);
    return received;
  }

  private flush(): void {
    this.patience.progress();
    if (!this.onSent(this.outbox.flush())) return;
    const exchange = this.exchange;
    if (exchange === undefined && this.phase === Phase.SERVING) this.leave(false);
    else if (exchange !== undefined && !exchange.isDone) exchange.onWritable();
    else this.process();
  }

  /** Returns whether all has left and the peer is there. */
  private onSent(sent: Sent): boolean {
    if (sent === Sent.GONE) this.abort();
    else if (sent === Sent.SOME && !this.isProcessing) this.update();
    return sent === Sent.ALL;
  }

  /** Answers what cannot be a request, and ends. */
  private refuse(status: number, message: string): void {
    this.intake.forget();
    this.phase = Phase.SERVING;
    this.exchange = undefined;
    const bytes = refusal(status, message);
    if (this.send(bytes, 0, bytes.length, false)) this.leave(false);
  }

  private onHandlerFailure(message: string): void {
    log(Level.ERROR, `a request failed: ${message}`);
    this.site.head.release();
    this.breakOff(Status.INTERNAL_ERROR, "internal error");
  }

  /** Ends what is being served, with an answer where none has begun. */
  private breakOff(status: number, message: string): void {
    const exchange = this.exchange;
    this.exchange = undefined;
    const isOpen = exchange?.isOpen === true;
    exchange?.onLost();
    if (isOpen) this.refuse(status, message);
    else this.abort();
  }

  private onTimeout(): void {
    const limit = this.timeLimit();
    const left = this.patience.left(limit);
    if (left > 0) return this.patience.set(Math.min(left, this.site.idleLimit));
    if (logs(Level.DEBUG)) log(Level.DEBUG, `connection ${this.fd}: timed out`);
    this.abort();
  }

  /** How long without progress of the peer's the present state may last; milliseconds. */
  private timeLimit(): number {
    switch (this.phase) {
      case Phase.HEAD:
        return this.inbox.isEmpty ? this.site.idleLimit : Math.min(HEAD_TIMEOUT_MS, this.site.idleLimit);
      case Phase.LINGERING:
        return 0;
      default:
        if (this.isBlocked || this.wantsRead) return this.site.idleLimit;
        // A stream that ends with its peer may wait for it for ever.
        return this.exchange?.isPulled === true && !this.exchange.endsWithPeer ? this.site.idleLimit : Infinity;
    }
  }
}
