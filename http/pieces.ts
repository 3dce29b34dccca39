/** Lists in header values, RFC 9110 section 5.6.1. */
import { indexOfByte } from "../sys/search.ts";
import { Ascii } from "./ascii.ts";

/** Whether a byte is white space within a line. */
export function isBlank(byte: number): boolean {
  return byte === Ascii.space || byte === Ascii.tab;
}

/**
 * The pieces of bytes between separators, one after the other, without white space around them. They cost nothing, however
 * many there are: a position is all that is kept.
 */
export class Pieces {
  /** Where the current piece starts, and the position after its end. */
  start = 0;
  stop = 0;
  private readonly bytes: Uint8Array;
  private readonly separator: number;
  private readonly end: number;
  private at: number;

  /** Of bytes [start, end), which stay the caller's. */
  constructor(bytes: Uint8Array, start: number, end: number, separator: number) {
    this.bytes = bytes;
    this.separator = separator;
    this.end = end;
    this.at = start;
  }

  /** Goes to the next piece, which may be empty; false where there is none. */
  next(): boolean {
    if (this.at > this.end) return false;
    const found = indexOfByte(this.bytes, this.at, this.end, this.separator);
    this.start = this.at;
    this.stop = found < 0 ? this.end : found;
    this.at = this.stop + 1;
    while (this.start < this.stop && isBlank(this.bytes[this.start] ?? 0)) this.start += 1;
    while (this.start < this.stop && isBlank(this.bytes[this.stop - 1] ?? 0)) this.stop -= 1;
    return true;
  }
}
