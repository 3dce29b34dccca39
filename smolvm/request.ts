/** A request while it arrives in pieces: the bytes of its frame so far. */
import { HEADER_BYTES, payloadLength } from "./frame.ts";

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
