/** One request and its response. */
import { encodeText } from "../sys/bytes.ts";
import { isPeerLocal } from "../sys/peer.ts";
import type { RequestHead } from "./head.ts";
import { chunkEnd, chunkStart, LAST_CHUNK } from "./chunk.ts";
import { dateField } from "./date-field.ts";
import type { BodyReader, BodyWriter } from "./roles.ts";
import { Status, statusText } from "./status.ts";
import { DATA_START, type Transport } from "./transport.ts";

const enum Phase {
  /** No response has begun. */
  OPEN,
  /** The head has been made; the body is being written. */
  WRITING,
  /** The response is complete. */
  DONE,
  /** The peer is gone. */
  LOST,
}

const NONE = new Uint8Array(0);
/** The length of a body that nobody knows yet. */
export const UNKNOWN_LENGTH = -1;

export class Exchange {
  private readonly transport: Transport;
  private phase = Phase.OPEN;
  private reader: BodyReader | undefined;
  private writer: BodyWriter | undefined;
  /** The head of the response until it has been sent, together with the first bytes of the body. */
  private head: Uint8Array = NONE;
  private isChunked = false;
  private readonly isHttp10: boolean;
  /** The request asks for the head of a response alone. */
  readonly isHead: boolean;
  /** The response's fields so far, each with its line end: those who handle the request add theirs. */
  fields = "";
  /** Whom the request is made as, where a layer in front of the handler has found that out. */
  user = "";
  /** Whether a peer that has shut down its sending side counts as gone. */
  endsWithPeer = false;
  /** Whether the writer is to be called whenever the socket takes more, not only after it has taken none for a while. */
  isPulled = false;
  /** Whether the connection ends with the response. */
  isLast = false;

  constructor(transport: Transport, request: RequestHead) {
    this.transport = transport;
    this.isHttp10 = request.isHttp10;
    this.isHead = request.method === "HEAD";
  }

  /** Which connection of its server it happens on. */
  get connection(): number {
    return this.transport.serial;
  }

  /** Whether the peer is a program of this machine. */
  get isPeerLocal(): boolean {
    return isPeerLocal(this.transport.fd);
  }

  /** Whether no response has begun and the peer is there. */
  get isOpen(): boolean {
    return this.phase === Phase.OPEN;
  }

  get isDone(): boolean {
    return this.phase === Phase.DONE;
  }

  get bodyReader(): BodyReader | undefined {
    return this.reader;
  }

  /** Adds a field to the response's head. The value is of the caller's own making, or checked. */
  addField(name: string, value: string): void {
    this.fields += `${name}: ${value}\r\n`;
  }

  /** Has the body of the request read. Without a call it is not read, and the connection ends with the response. */
  receive(reader: BodyReader): void {
    this.reader = reader;
    this.transport.startBody();
  }

  /** The reader takes more, at once. */
  resume(): void {
    this.transport.resumeBody(false);
  }

  /** The reader takes more when the loop comes round: for what works in slices. */
  resumeLater(): void {
    this.transport.resumeBody(true);
  }

  /** From now on `writer` hears when more may be sent, and when the peer is gone. */
  hold(writer: BodyWriter): void {
    this.writer = writer;
    this.transport.update();
  }

  /** Answers with a whole body, whose Content-Type is among the fields. The body is the exchange's from now on. */
  respond(status: number, body: Uint8Array): void {
    if (this.phase !== Phase.OPEN) return;
    const hasBody = status >= 200 && status !== Status.NO_CONTENT && status !== Status.NOT_MODIFIED;
    const head = this.makeHead(status, hasBody ? `Content-Length: ${body.length}\r\n` : "");
    const isSent = hasBody && !this.isHead && body.length > 0;
    const message = new Uint8Array(head.length + (isSent ? body.length : 0));
    message.set(head, 0);
    if (isSent) message.set(body, head.length);
    this.transport.send(message, 0, message.length, false);
    this.finish();
  }

  /**
   * Begins a response whose body follows, `length` bytes of it or UNKNOWN_LENGTH. The head leaves with the first bytes.
   * For HEAD the body is left out: `end` is to come at once.
   */
  begin(status: number, length: number): void {
    if (this.phase !== Phase.OPEN) return;
    this.isChunked = length < 0 && !this.isHttp10;
    // HTTP/1.0 knows no chunks: there the body ends with the connection.
    if (length < 0 && this.isHttp10) this.isLast = true;
    let framing = "";
    if (length >= 0) framing = `Content-Length: ${length}\r\n`;
    else if (this.isChunked) framing = "Transfer-Encoding: chunked\r\n";
    this.head = this.makeHead(status, framing);
    this.phase = Phase.WRITING;
  }

  /** A buffer of the pool: data goes from DATA_START to DATA_END at the most. It goes back with `send` or `giveBack`. */
  take(): Uint8Array {
    return this.transport.buffers.take();
  }

  giveBack(buffer: Uint8Array): void {
    this.transport.buffers.give(buffer);
  }

  /**
   * Sends data from DATA_START to `end` of a buffer of the pool, which it takes over. Returns whether more may be sent at
   * once; otherwise the writer hears of it. Nothing may wait from before.
   */
  send(buffer: Uint8Array, end: number): boolean {
    return this.sendPart(buffer, end, false);
  }

  /** Like `send`, with the last bytes of the body, if any: `end` is not to be called. */
  sendLast(buffer: Uint8Array, end: number): void {
    this.sendPart(buffer, end, true);
    this.finish();
  }

  /** Sends bytes of a file, up to `count` from `offset` on; not for chunked bodies. Returns the bytes sent or -errno. */
  sendFile(fd: number, offset: number, count: number): number {
    if (this.phase !== Phase.WRITING) return 0;
    if (this.head.length > 0 && !this.sendHead()) return 0;
    return this.transport.sendFile(fd, offset, count);
  }

  /** Whether the body goes out in chunks: of what is given to `offer` they are the caller's to make. */
  get hasChunks(): boolean {
    return this.isChunked;
  }

  /**
   * Sends of bytes [start, end) of the body what the socket takes at once. Returns how many that are: the bytes stay the
   * caller's, who calls `pull` to hear when more may be sent.
   */
  offer(bytes: Uint8Array, start: number, end: number): number {
    if (this.phase !== Phase.WRITING || (this.head.length > 0 && !this.sendHead())) return 0;
    return this.transport.offer(bytes, start, end);
  }

  /** Whether the writer is to be called whenever the socket takes more. */
  pull(isPulled: boolean): void {
    if (this.isPulled === isPulled) return;
    this.isPulled = isPulled;
    this.transport.update();
  }

  /** Whether what was sent waits for the socket: the writer is told when it has left. */
  get isBlocked(): boolean {
    return this.transport.isBlocked;
  }

  /** Sends the response's head now where it has not left, so that the peer has it before the first bytes of the body. */
  sendHead(): boolean {
    const head = this.head;
    this.head = NONE;
    return head.length === 0 || this.transport.send(head, 0, head.length, false);
  }

  /** The body is complete. */
  end(): void {
    if (this.phase !== Phase.WRITING) return;
    const isChunked = this.isChunked && !this.isHead;
    const last = new Uint8Array(this.head.length + (isChunked ? LAST_CHUNK.length : 0));
    last.set(this.head, 0);
    if (isChunked) last.set(LAST_CHUNK, this.head.length);
    this.head = NONE;
    if (last.length > 0) this.transport.send(last, 0, last.length, false);
    this.finish();
  }

  /** The response cannot be completed: the connection ends without its end, so that the peer can tell. */
  abort(): void {
    this.transport.abort();
  }

  /** The transport: all of the body has come. */
  onBodyEnd(): void {
    const reader = this.reader;
    this.reader = undefined;
    reader?.onBodyEnd();
  }

  /** The transport: the socket takes more. */
  onWritable(): void {
    this.writer?.onWritable();
  }

  /** The transport: the peer is gone. */
  onLost(): void {
    const reader = this.reader;
    const writer = this.writer;
    this.reader = undefined;
    this.writer = undefined;
    if (this.phase !== Phase.DONE) this.phase = Phase.LOST;
    reader?.onBodyLost();
    writer?.onPeerGone();
  }

  private sendPart(buffer: Uint8Array, end: number, isLast: boolean): boolean {
    if (this.phase !== Phase.WRITING || this.isHead) {
      this.giveBack(buffer);
      return this.phase === Phase.WRITING && (this.head.length === 0 || this.sendHead());
    }
    let start = DATA_START;
    let stop = end;
    if (this.isChunked) {
      if (end > DATA_START) {
        start = chunkStart(buffer, DATA_START, end);
        stop = chunkEnd(buffer, end);
      }
      if (isLast) {
        buffer.set(LAST_CHUNK, stop);
        stop += LAST_CHUNK.length;
      }
    }
    const head = this.head;
    if (head.length > 0) {
      this.head = NONE;
      if (head.length <= start) {
        start -= head.length;
        buffer.set(head, start);
      } else {
        return this.sendBehind(head, buffer, start, stop);
      }
    }
    return this.transport.send(buffer, start, stop, true);
  }

  /** A head too long for the room before the data. */
  private sendBehind(head: Uint8Array, buffer: Uint8Array, start: number, stop: number): boolean {
    const message = new Uint8Array(head.length + stop - start);
    message.set(head, 0);
    message.set(buffer.subarray(start, stop), head.length);
    this.giveBack(buffer);
    return this.transport.send(message, 0, message.length, false);
  }

  private makeHead(status: number, framing: string): Uint8Array {
    this.isLast = this.isLast || !this.transport.keepsAlive;
    let connection = "";
    if (this.isLast) connection = "Connection: close\r\n";
    else if (this.isHttp10) connection = "Connection: keep-alive\r\n";
    return encodeText(`HTTP/1.1 ${statusText(status)}\r\n${dateField()}${this.fields}${framing}${connection}\r\n`);
  }

  private finish(): void {
    if (this.phase === Phase.LOST || this.phase === Phase.DONE) return;
    this.phase = Phase.DONE;
    this.reader = undefined;
    this.writer = undefined;
    this.transport.endResponse();
  }
}
