/** The agent at the other end of a blocking connection: one request, then frames; spec smolvm-v1. */
import { JsonError, parseJson } from "../json/parse.ts";
import { printJson } from "../json/print.ts";
import { JsonValue } from "../json/value.ts";
import { frame, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, payloadLength, PROTOCOL_VERSION } from "../smolvm/frame.ts";
import { Errno, errnoText } from "../sys/errno.ts";
import { read } from "../sys/file.ts";
import type { Interrupts } from "../sys/interrupts.ts";
import { Ready } from "../sys/loop.ts";
import { send } from "../sys/socket.ts";
import { awaitReady } from "../sys/wait.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failure } from "./failure.ts";
import { askFirecracker } from "./firecracker.ts";

const BUFFER_BYTES = 256 * 1024;

/** A request of an operation; the caller adds the operation's own keys. */
export function newRequest(operation: string): JsonValue {
  const request = JsonValue.object().set("op", JsonValue.string(operation));
  return request.set("v", JsonValue.number(PROTOCOL_VERSION));
}

/** Everything here throws Failure for a peer that is gone, breaks the protocol or refuses. */
export class Peer {
  /** Where `takePiece` leaves bytes: `pieceStart` is the first of them. Good until the next call of any method. */
  readonly buffer = new Uint8Array(BUFFER_BYTES);
  pieceStart = 0;
  /** The type of the current frame. */
  frameType = 0;
  /** Signals that end a wait for the peer, for a program that has something to tidy up. */
  interrupts: Interrupts | undefined;
  private readonly fd: number;
  private readonly name: string;
  /** Received and not yet taken: bytes [start, end) of the buffer. */
  private start = 0;
  private end = 0;
  /** Payload bytes of the current frame not yet taken. */
  private inFrame = 0;

  private constructor(fd: number, name: string) {
    this.fd = fd;
    this.name = name;
  }

  /** Connects to an agent, for the time the process lives. */
  static connect(endpoint: Endpoint): Peer {
    const fd = endpoint.connect();
    if (endpoint.guestPort >= 0) askFirecracker(fd, endpoint);
    return new Peer(fd, endpoint.text);
  }

  /** Sends a request. A peer that is gone is noticed by whoever reads the answer. */
  request(request: JsonValue): void {
    const bytes = frame(FrameType.JSON, printJson(request));
    this.send(bytes, 0, bytes.length);
  }

  /**
   * Sends bytes [start, end), waiting where need be. Returns false where the peer takes no more: it has answered
   * already, or it is gone.
   */
  send(bytes: Uint8Array, start: number, end: number): boolean {
    let position = start;
    while (position < end) {
      const sent = send(this.fd, bytes, position, end);
      if (sent >= 0) position += sent;
      else if (sent === -Errno.EAGAIN) {
        const ready = awaitReady(this.fd, Ready.READABLE | Ready.WRITABLE);
        if ((ready & Ready.READABLE) !== 0) return false;
      } else if (sent !== -Errno.EINTR) return false;
    }
    return true;
  }

  /** Goes on to the next frame; what was not taken of the current one is dropped. Returns false at the end. */
  nextFrame(): boolean {
    while (this.inFrame > 0) this.takePiece();
    if (this.end - this.start < HEADER_BYTES && !this.receiveHeader()) return false;
    const length = payloadLength(this.buffer, this.start);
    this.frameType = this.buffer[this.start] ?? 0;
    if (this.frameType < FrameType.JSON || this.frameType > FrameType.EOF || length > MAX_PAYLOAD_BYTES) {
      throw new Failure(`${this.name} does not speak protocol version ${PROTOCOL_VERSION}: no frame starts so`);
    }
    this.inFrame = length;
    this.start += HEADER_BYTES;
    return true;
  }

  /** Makes the next bytes of the current frame's payload available. Returns how many; 0 where there are no more. */
  takePiece(): number {
    if (this.inFrame === 0) return 0;
    if (this.start === this.end) {
      this.start = 0;
      this.end = 0;
      if (!this.receive()) throw new Failure(`the connection to ${this.name} ended within a frame`);
    }
    const length = Math.min(this.inFrame, this.end - this.start);
    this.pieceStart = this.start;
    this.start += length;
    this.inFrame -= length;
    return length;
  }

  /** The object in the current frame, which says that the request was served. Throws Failure with the reason if not. */
  takeReply(): JsonValue {
    const bytes = new Uint8Array(this.inFrame);
    let end = 0;
    for (let length = this.takePiece(); length > 0; length = this.takePiece()) {
      bytes.set(this.buffer.subarray(this.pieceStart, this.pieceStart + length), end);
      end += length;
    }
    const reply = this.parse(bytes);
    if (reply.get("ok")?.asBool() === true) return reply;
    throw new Failure(`the agent at ${this.name} refused: ${reply.get("error")?.asString() ?? "without a reason"}`);
  }

  /** Like `takeReply`, of the next frame. */
  nextReply(): JsonValue {
    if (!this.nextFrame()) throw this.silence();
    if (this.frameType !== FrameType.JSON) throw this.surprise();
    return this.takeReply();
  }

  /** The failure of a peer that closes where it owes something. */
  silence(): Failure {
    const event = "closed the connection before the end of its answer";
    return new Failure(`the agent at ${this.name} ${event}; its log may say why`);
  }

  /** The failure of a peer whose current frame has no place here. */
  surprise(): Failure {
    return new Failure(`${this.name} sent a frame of type ${this.frameType} where none belongs`);
  }

  private parse(bytes: Uint8Array): JsonValue {
    try {
      return parseJson(bytes, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      throw new Failure(`${this.name} answered with malformed JSON: ${error.message}`);
    }
  }

  /** Receives until a header is there. Returns false at an end between frames. */
  private receiveHeader(): boolean {
    this.buffer.set(this.buffer.slice(this.start, this.end), 0);
    this.end -= this.start;
    this.start = 0;
    while (this.end < HEADER_BYTES) {
      if (this.receive()) continue;
      if (this.end === 0) return false;
      throw new Failure(`the connection to ${this.name} ended within a frame`);
    }
    return true;
  }

  /** Receives more bytes behind those that are there, waiting for them. Returns false at the end. */
  private receive(): boolean {
    for (;;) {
      this.interrupts?.await(this.fd);
      const received = read(this.fd, this.buffer, this.end, this.buffer.length - this.end);
      if (received > 0) this.end += received;
      if (received >= 0) return received > 0;
      // An inherited descriptor may be non-blocking.
      if (received !== -Errno.EAGAIN) {
        throw new Failure(`the connection to ${this.name} broke: ${errnoText(-received)}`);
      }
      awaitReady(this.fd, Ready.READABLE);
    }
  }
}
