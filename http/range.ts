/** The Range header, RFC 9110 section 14.1. */
import { encodeText } from "../sys/bytes.ts";
import { indexOfByte } from "../sys/search.ts";
import { Ascii } from "./ascii.ts";
import { Pieces } from "./pieces.ts";

/** How many ranges are answered one by one. Who asks for more gets everything. */
const MAX_RANGES = 256;
/** No file is larger. */
const MAX_NUMBER = 2 ** 63;

const UNIT = "bytes=";

/** A range of a content, of at least one byte. */
export class ByteRange {
  readonly start: number;
  readonly length: number;

  constructor(start: number, length: number) {
    this.start = start;
    this.length = length;
  }

  /** The value of Content-Range, of a content of `size` bytes. */
  contentRange(size: number): string {
    return `bytes ${this.start}-${this.start + this.length - 1}/${size}`;
  }
}

/** What a Range header makes of a content. */
export class Ranges {
  /** The ranges in the order asked for; none where the whole content is the answer. */
  readonly list: ByteRange[];
  /** Why the header cannot be satisfied; empty where it can. */
  readonly error: string;

  constructor(list: ByteRange[], error: string) {
    this.list = list;
    this.error = error;
  }
}

export const NO_OVERLAP = "invalid range: failed to overlap";
const INVALID = "invalid range";

/**
 * Reads a Range header for a content of `size` bytes, as Go's net/http does: ranges that together are larger than the
 * content are ignored, and any range of an empty content is. A suffix of no bytes overlaps nothing. Takes one pass and
 * keeps at most 256 ranges.
 */
export function parseRanges(header: string, size: number): Ranges {
  if (!header.startsWith(UNIT)) return new Ranges([], header === "" ? "" : INVALID);
  const bytes = encodeText(header);
  const pieces = new Pieces(bytes, UNIT.length, bytes.length, Ascii.comma);
  const list: ByteRange[] = [];
  let sum = 0;
  let isBeyond = false;
  let count = 0;
  while (pieces.next()) {
    const { start, stop } = pieces;
    if (start === stop) continue;
    const dash = indexOfByte(bytes, start, stop, Ascii.minus);
    if (dash < 0) return new Ranges([], INVALID);
    let first = integer(bytes, start, dash);
    let last = integer(bytes, dash + 1, stop);
    if (first === NOTHING) {
      if (last < 0) return new Ranges([], INVALID);
      first = size - Math.min(last, size);
      last = NOTHING;
    } else if (first < 0) {
      return new Ranges([], INVALID);
    }
    if (first >= size) {
      isBeyond = true;
      continue;
    }
    if (last === NOTHING) last = size - 1;
    if (last < first) return new Ranges([], INVALID);
    const range = new ByteRange(first, Math.min(last, size - 1) - first + 1);
    count += 1;
    sum += range.length;
    if (count <= MAX_RANGES) list.push(range);
  }
  if (count === 0 && isBeyond && size > 0) return new Ranges([], NO_OVERLAP);
  return new Ranges(sum > size || count > MAX_RANGES ? [] : list, "");
}

const NOTHING = -1;
const MALFORMED = -2;

/** The number that [start, stop) spells, with white space around it. */
function integer(bytes: Uint8Array, start: number, stop: number): number {
  const number = new Pieces(bytes, start, stop, Ascii.comma);
  number.next();
  if (number.start === number.stop) return NOTHING;
  let value = 0;
  for (let at = number.start; at < number.stop; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < Ascii.zero || byte > Ascii.nine) return MALFORMED;
    value = value * 10 + byte - Ascii.zero;
  }
  return value > MAX_NUMBER ? MALFORMED : value;
}
