/** The frame of a request, and its bytes while it arrives in pieces. */
import { FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, payloadLength } from "./frame.ts";

export const NOT_A_REQUEST = -1;

/**
 * The length of the frame whose first bytes have come, Infinity while its header is incomplete, NOT_A_REQUEST where no
 * request begins like that.
 */
export function requestLength(bytes: Uint8Array, have: number): number {
  if (bytes[0] !== FrameType.JSON) return NOT_A_REQUEST;
  if (have < HEADER_BYTES) return Infinity;
  const length = payloadLength(bytes, 0);
  return length > MAX_PAYLOAD_BYTES ? NOT_A_REQUEST : HEADER_BYTES + length;
}

/** Bytes of capacity that a piecewise request starts with. */
const FIRST_CAPACITY = 512;

export class PartialFrame {
  bytes: Uint8Array;
  /** Bytes that have come. */
  have: number;

  /** Copies the bytes [0, have) of a frame's beginning. */
  constructor(source: Uint8Array, have: number) {
    this.bytes = new Uint8Array(Math.max(FIRST_CAPACITY, have));
    this.bytes.set(source.subarray(0, have));
    this.have = have;
  }

  /** The length of the whole frame, or of its header while that is incomplete. */
  get length(): number {
    return this.have < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + payloadLength(this.bytes, 0);
  }

  /** How many bytes to receive next, for which there is room from `have` on. Memory grows with what came, not with what was announced. */
  makeRoom(): number {
    const wanted = this.length;
    if (this.have === this.bytes.length) {
      const grown = new Uint8Array(Math.min(this.bytes.length * 2, Math.max(wanted, FIRST_CAPACITY)));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    return Math.min(wanted, this.bytes.length) - this.have;
  }
}
