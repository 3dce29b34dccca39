/** Envelopes of Connect and frames of gRPC-Web: five bytes before every message of a stream; envd-rpc.md 2.5, 2.13. */
import { Code } from "./code.ts";
import { Collector, MESSAGE_LIMIT, type MessageRoom, tooLong } from "./collector.ts";
import { invalid, RpcError } from "./error.ts";

export const ENVELOPE_BYTES = 5;

export const enum Flag {
  NONE = 0,
  COMPRESSED = 1,
  /** The end-of-stream message of Connect. */
  END = 2,
  /** The trailers of gRPC-Web. */
  TRAILERS = 0x80,
}

/** Writes the head of an envelope whose payload is bytes [start, end) before it. Returns where the envelope begins. */
export function putEnvelope(bytes: Uint8Array, start: number, end: number, flags: number): number {
  putHead(bytes, start - ENVELOPE_BYTES, end - start, flags);
  return start - ENVELOPE_BYTES;
}

/** Writes the head of an envelope, whose payload has so many bytes. */
export function putHead(bytes: Uint8Array, at: number, length: number, flags: number): void {
  bytes[at] = flags;
  bytes[at + 1] = length >>> 24;
  bytes[at + 2] = (length >>> 16) & 0xff;
  bytes[at + 3] = (length >>> 8) & 0xff;
  bytes[at + 4] = length & 0xff;
}

/** Takes envelopes out of bytes that come in any pieces. */
export class EnvelopeReader {
  /** The payload of the envelope that `take` has completed: bytes [start, end), lent as those that it was given. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Whether the last `take` has completed a message. */
  isWhole = false;
  /** Whether the envelope that ends the stream has come. Nothing after it counts. */
  isEnded = false;
  /** Whether the message is compressed. */
  isCompressed = false;
  /** The flag of the stream's last envelope. */
  private readonly endFlag: Flag;
  private readonly takesCompressed: boolean;
  private readonly head = new Uint8Array(ENVELOPE_BYTES);
  private headSize = 0;
  private length = 0;
  private readonly payload: Collector;

  /** `endFlag` is that of the protocol. `takesCompressed`: the request has said how messages are compressed. */
  constructor(endFlag: Flag, takesCompressed: boolean, room: MessageRoom) {
    this.payload = new Collector(room);
    this.endFlag = endFlag;
    this.takesCompressed = takesCompressed;
  }

  /**
   * Takes bytes from `start` on, up to the end of the envelope that they complete. Returns how many, and then `isWhole`
   * says whether there is a message. Throws RpcError for what no client sends, as soon as the head shows it.
   */
  take(bytes: Uint8Array, start: number, end: number): number {
    this.isWhole = false;
    if (this.isEnded) return end - start;
    let at = start;
    if (this.headSize < ENVELOPE_BYTES) {
      while (at < end && this.headSize < ENVELOPE_BYTES) this.head[this.headSize++] = bytes[at++] ?? 0;
      if (this.headSize < ENVELOPE_BYTES) return at - start;
      this.begin();
      if (this.isEnded) return end - start;
    }
    const missing = this.length - this.payload.size;
    const stop = Math.min(end, at + missing);
    const isComplete = stop - at === missing;
    if (isComplete && this.payload.size === 0) {
      // The usual case: all of it is here.
      this.finish(bytes, at, stop);
    } else {
      this.payload.add(bytes, at, stop, this.length);
      if (isComplete) {
        this.finish(this.payload.bytes, 0, this.length);
        this.payload.clear();
      }
    }
    return stop - start;
  }

  /** The stream has ended. Throws RpcError where that was within an envelope. */
  close(): void {
    if (!this.isEnded && this.headSize > 0) throw invalid("protocol error: incomplete envelope");
  }

  private begin(): void {
    const flags = this.head[0] ?? 0;
    this.length = new DataView(this.head.buffer).getUint32(1);
    if ((flags & ~(Flag.COMPRESSED | this.endFlag)) !== 0) {
      throw new RpcError(Code.INTERNAL, `protocol error: invalid envelope flags ${flags}`);
    }
    this.isCompressed = (flags & Flag.COMPRESSED) !== 0;
    if (this.isCompressed && !this.takesCompressed) {
      throw new RpcError(Code.INTERNAL, "protocol error: sent compressed message without compression support");
    }
    if (this.length >= MESSAGE_LIMIT) throw tooLong();
    if ((flags & this.endFlag) !== 0) this.isEnded = true;
  }

  private finish(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.headSize = 0;
    this.isWhole = true;
  }
}
