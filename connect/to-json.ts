/** Messages printed as proto3 JSON; envd-rpc.md 1.5. */
import { Byte } from "../json/byte.ts";
import type { Output } from "../json/output.ts";
import { printText } from "../json/print.ts";
import { base64Length, encodeBase64 } from "../sys/base64.ts";
import { encodeText } from "../sys/bytes.ts";
import { type Field, Kind, type MessageType } from "./schema.ts";
import { timestampText } from "./timestamp.ts";
import { FieldReader } from "./wire.ts";

const WORD = 0x100000000;
const SIGN = 0x80000000;
const TRUE = encodeText("true");
const FALSE = encodeText("false");

/** Appends the JSON text of the message in bytes [start, end), which a MessageWriter has written. */
export function printMessage(out: Output, type: MessageType, bytes: Uint8Array, start: number, end: number): void {
  const reader = new FieldReader(bytes, start, end);
  let mark = Byte.openObject;
  // The field whose list or map is open.
  let open: Field | undefined;
  while (reader.next()) {
    const field = type.numbered(reader.number);
    if (field === undefined) continue;
    if (field === open) {
      out.byte(Byte.comma);
    } else {
      if (open !== undefined) out.byte(open.kind === Kind.MAP ? Byte.closeObject : Byte.closeArray);
      out.byte(mark);
      mark = Byte.comma;
      out.write(field.key, 0, field.key.length);
      open = field.isRepeated ? field : undefined;
      if (open !== undefined) out.byte(field.kind === Kind.MAP ? Byte.openObject : Byte.openArray);
    }
    printValue(out, field, bytes, reader);
  }
  if (open !== undefined) out.byte(open.kind === Kind.MAP ? Byte.closeObject : Byte.closeArray);
  if (mark === Byte.openObject) out.byte(mark);
  out.byte(Byte.closeObject);
}

function printValue(out: Output, field: Field, bytes: Uint8Array, reader: FieldReader): void {
  const { low, high, start, stop } = reader;
  const type = field.type;
  switch (field.kind) {
    case Kind.STRING:
      return printText(out, bytes, start, stop);
    case Kind.BYTES:
      return printBytes(out, bytes, start, stop);
    case Kind.BOOL: {
      const word = low === 0 && high === 0 ? FALSE : TRUE;
      return out.write(word, 0, word.length);
    }
    case Kind.UINT32:
      return printDecimal(out, low, 0);
    case Kind.SINT32:
      return printSigned(out, (low >>> 1) ^ -(low & 1));
    case Kind.INT64:
      out.byte(Byte.quote);
      if (high < SIGN) printDecimal(out, low, high);
      else {
        out.byte(Byte.minus);
        printDecimal(out, -low >>> 0, (low === 0 ? -high : ~high) >>> 0);
      }
      return out.byte(Byte.quote);
    case Kind.ENUM: {
      const value = type?.numbered(low);
      if (value === undefined) return printSigned(out, low | 0);
      out.byte(Byte.quote);
      out.write(value.name, 0, value.name.length);
      return out.byte(Byte.quote);
    }
    case Kind.MAP:
      return printEntry(out, bytes, start, stop);
    case Kind.TIMESTAMP:
      return printTimestamp(out, bytes, start, stop);
    default:
      if (type !== undefined) printMessage(out, type, bytes, start, stop);
  }
}

/** Appends bytes [start, end) as a string of base64. */
function printBytes(out: Output, bytes: Uint8Array, start: number, end: number): void {
  out.byte(Byte.quote);
  out.reserve(base64Length(end - start, true));
  out.size += encodeBase64(bytes, start, end, out.bytes, out.size, true);
  out.byte(Byte.quote);
}

/** A writer puts the key first, and neither is left out. */
function printEntry(out: Output, bytes: Uint8Array, start: number, end: number): void {
  const reader = new FieldReader(bytes, start, end);
  while (reader.next()) {
    if (reader.number === 2) out.byte(Byte.colon);
    printText(out, bytes, reader.start, reader.stop);
  }
}

function printTimestamp(out: Output, bytes: Uint8Array, start: number, end: number): void {
  const reader = new FieldReader(bytes, start, end);
  let seconds = 0;
  let nanoseconds = 0;
  while (reader.next()) {
    if (reader.number === 1) seconds = (reader.high | 0) * WORD + reader.low;
    else nanoseconds = reader.low;
  }
  const text = encodeText(timestampText(seconds, nanoseconds));
  printText(out, text, 0, text.length);
}

function printSigned(out: Output, value: number): void {
  if (value < 0) out.byte(Byte.minus);
  printDecimal(out, Math.abs(value), 0);
}

/** The digits of a number of 64 bits, in two words. */
function printDecimal(out: Output, low: number, high: number): void {
  const digits = new Uint8Array(20);
  let at = digits.length;
  let rest = low;
  let above = high;
  do {
    const whole = (above % 10) * WORD + rest;
    digits[--at] = Byte.zero + (whole % 10);
    rest = Math.floor(whole / 10);
    above = Math.floor(above / 10);
  } while (rest > 0 || above > 0);
  out.write(digits, at, digits.length);
}
