/** Messages written in protobuf's binary encoding. */
import { Output } from "../json/output.ts";
import { encodeText } from "../sys/bytes.ts";
import { Wire } from "./schema.ts";

const FIRST_BYTES = 64;
const WORD = 0x100000000;

/**
 * A message that is being written, field by field in the order of their numbers, the values of a repeated field one after
 * the other. A scalar that has its default is not written, but where the name of the method says `present`: that is for
 * fields of explicit presence, for members of a oneof and for elements.
 */
export class MessageWriter extends Output {
  /** Behind the first `size` bytes of an array, which it takes over, or leaves for a larger one. */
  constructor(bytes: Uint8Array = new Uint8Array(FIRST_BYTES), size = 0) {
    super(bytes, size);
  }

  bool(number: number, value: boolean): void {
    if (value) this.presentVarint(number, 1, 0);
  }

  /** A uint32, or an enum. */
  uint32(number: number, value: number): void {
    if (value !== 0) this.presentVarint(number, value, 0);
  }

  sint32(number: number, value: number): void {
    if (value !== 0) this.presentVarint(number, zigzag(value), 0);
  }

  /** An integer of 64 bits, in two words. */
  int64(number: number, low: number, high: number): void {
    if (low !== 0 || high !== 0) this.presentVarint(number, low, high);
  }

  /** An int64 that is exact in a number. */
  integer(number: number, value: number): void {
    this.int64(number, value >>> 0, Math.floor(value / WORD) >>> 0);
  }

  text(number: number, value: string): void {
    if (value !== "") this.presentText(number, value);
  }

  presentText(number: number, value: string): void {
    const bytes = encodeText(value);
    this.presentData(number, bytes, 0, bytes.length);
  }

  /** Bytes [from, to), or a string that they spell. */
  presentData(number: number, bytes: Uint8Array, from: number, to: number): void {
    this.header(number, to - from);
    this.write(bytes, from, to);
  }

  presentVarint(number: number, low: number, high: number): void {
    this.tag(number, Wire.VARINT);
    this.varint(low, high);
  }

  /** An entry of a map of strings. */
  entry(number: number, key: string, value: string): void {
    const mark = this.open(number);
    this.presentText(1, key);
    this.presentText(2, value);
    this.close(mark);
  }

  /** google.protobuf.Timestamp: seconds since 1970, exact to 2^53. */
  timestamp(number: number, seconds: number, nanoseconds: number): void {
    const mark = this.open(number);
    this.integer(1, seconds);
    this.uint32(2, nanoseconds);
    this.close(mark);
  }

  /** Begins a message within this one, which ends with `close`, to which the result is given. */
  open(number: number): number {
    this.tag(number, Wire.LENGTH);
    this.byte(0);
    return this.size;
  }

  close(mark: number): void {
    const length = this.size - mark;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.reserve(more);
      this.bytes.set(this.bytes.subarray(mark, this.size), mark + more);
    }
    this.size = mark - 1;
    this.varint(length, 0);
    this.size += length;
  }

  /** What comes before a value of so many bytes. */
  header(number: number, length: number): void {
    this.tag(number, Wire.LENGTH);
    this.varint(length, 0);
  }

  private tag(number: number, wire: Wire): void {
    this.varint(number * 8 + wire, 0);
  }

  private varint(low: number, high: number): void {
    let rest = low;
    let above = high;
    while (rest >= 0x80 || above > 0) {
      this.byte((rest & 0x7f) | 0x80);
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    this.byte(rest);
  }
}

/** An int32 so that small numbers of either sign are short. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

/** How many bytes a length takes. */
export function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count += 1;
  return count;
}
