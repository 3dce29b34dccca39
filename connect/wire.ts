/** protobuf's binary encoding, read: protobuf.dev/programming-guides/encoding, and envd-rpc.md 1.4. */
import { plainEnd } from "../json/plain.ts";
import { sequenceLength } from "../sys/bytes.ts";
import { invalid } from "./error.ts";
import { Kind, type MessageType, Wire } from "./schema.ts";

/** How deep messages and groups may nest. */
const MAX_DEPTH = 100;
/** How many fields a message that came may have, with those of what is in it: more than any has that is no longer than JSON may be. */
const MAX_FIELDS = 200_000;
const MAX_VARINT_BYTES = 10;
const WORD = 0x100000000;

/** Goes through the fields of one message. */
export class FieldReader {
  /** The number and the wire type of the current field. A group is passed over as a whole. */
  number = 0;
  wire = Wire.VARINT;
  /** The low and the high word of a varint. */
  low = 0;
  high = 0;
  /** Where a value with a length starts and ends. */
  start = 0;
  stop = 0;
  /** How many fields more there may be. */
  left = Infinity;
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private at: number;

  /** Of the message in bytes [start, end). */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = Math.min(end, bytes.length);
  }

  /** Goes to the next field; false where there is none. Throws RpcError for what is malformed. */
  next(): boolean {
    if (this.at >= this.end) return false;
    this.tag();
    if (this.wire === Wire.END_GROUP) throw malformed();
    this.value(MAX_DEPTH);
    return true;
  }

  private tag(): void {
    this.left -= 1;
    if (this.left < 0) throw invalid(`more than ${MAX_FIELDS} fields`);
    this.varint();
    this.number = Math.floor(this.low / 8);
    this.wire = this.low - this.number * 8;
    if (this.number === 0 || this.high !== 0) throw malformed();
  }

  private value(depth: number): void {
    switch (this.wire) {
      case Wire.VARINT:
        return this.varint();
      case Wire.FIXED64:
        return this.pass(8);
      case Wire.FIXED32:
        return this.pass(4);
      case Wire.LENGTH:
        this.varint();
        return this.pass(this.high === 0 ? this.low : Infinity);
      case Wire.GROUP:
        return this.group(this.number, depth);
      default:
        throw malformed();
    }
  }

  /** Passes over a value of so many bytes. */
  private pass(length: number): void {
    if (length > this.end - this.at) throw truncated();
    this.start = this.at;
    this.at += length;
    this.stop = this.at;
  }

  private group(number: number, depth: number): void {
    if (depth === 0) throw tooDeep();
    for (;;) {
      this.tag();
      if (this.wire === Wire.END_GROUP) break;
      this.value(depth - 1);
    }
    if (this.number !== number) throw malformed();
    // To who goes through the fields it is one of its own kind, which no table has.
    this.wire = Wire.GROUP;
  }

  private varint(): void {
    // The sum of 35 bits is exact; what is above comes by itself. (Natively shifts cost more than products.)
    let sum = 0;
    let scale = 1;
    let above = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at] ?? 0;
      this.at += 1;
      const bits = byte < 0x80 ? byte : byte - 0x80;
      if (i < 5) sum += bits * scale;
      else above += bits * scale;
      scale = i === 4 ? 8 : scale * 0x80;
      if (byte >= 0x80) continue;
      this.low = sum;
      this.high = 0;
      if (i < 4) return;
      const carry = Math.floor(sum / WORD);
      this.low = sum - carry * WORD;
      this.high = (above + carry) % WORD;
      return;
    }
    throw malformed();
  }
}

/**
 * Throws RpcError where bytes [start, end) are no message of a type. What has a number that the type does not know, or
 * another wire type, is of no interest, but has to be well-formed.
 */
export function checkMessage(type: MessageType, bytes: Uint8Array, start: number, end: number): void {
  check(type, bytes, start, end, MAX_DEPTH, MAX_FIELDS);
}

/** Returns how many fields more there may be. */
function check(type: MessageType, bytes: Uint8Array, start: number, end: number, depth: number, left: number): number {
  if (depth === 0) throw tooDeep();
  const reader = new FieldReader(bytes, start, end);
  reader.left = left;
  while (reader.next()) {
    const field = type.numbered(reader.number);
    if (field === undefined || reader.wire !== field.wire) continue;
    const inner = field.type;
    if (field.kind === Kind.STRING) checkText(bytes, reader.start, reader.stop);
    else if (inner !== undefined && field.kind !== Kind.ENUM) {
      reader.left = check(inner, bytes, reader.start, reader.stop, depth - 1, reader.left);
    }
  }
  return reader.left;
}

function checkText(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) {
    // Most of it is ASCII; sequenceLength knows what else.
    at = plainEnd(bytes, at, end);
    if (at >= end) return;
    const length = sequenceLength(bytes, at, end);
    if (length === 0) throw invalid("a string that is not UTF-8");
    at += length;
  }
}

function malformed(): Error {
  return invalid("malformed message");
}

function truncated(): Error {
  return invalid("truncated message");
}

function tooDeep(): Error {
  return invalid(`a message nested deeper than ${MAX_DEPTH}`);
}
