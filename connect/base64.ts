/** Bytes fields in JSON: base64 of RFC 4648, between arrays. */
import { encodeText } from "../sys/bytes.ts";

const PLUS_SLASH = encodeText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const EQUALS = 0x3d;
const NO_DIGIT = 0xff;
const VALUES = makeValues();

/** The value of each character of the standard alphabet, section 4, and of the one for URLs, section 5. */
function makeValues(): Uint8Array {
  const values = new Uint8Array(256);
  for (let i = 0; i < values.length; i++) values[i] = NO_DIGIT;
  let value = 0;
  for (const digit of PLUS_SLASH) values[digit] = value++;
  values[0x2d] = 62;
  values[0x5f] = 63;
  return values;
}

/** How many bytes `encodeBase64` makes of so many. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** Writes bytes [start, end) at `to` of an array that has room for them, in the standard alphabet, padded. */
export function encodeBase64(bytes: Uint8Array, start: number, end: number, out: Uint8Array, to: number): void {
  let at = start;
  let put = to;
  while (at < end) {
    const left = end - at;
    const bits = ((bytes[at] ?? 0) << 16) | ((left > 1 ? (bytes[at + 1] ?? 0) : 0) << 8) | (left > 2 ? (bytes[at + 2] ?? 0) : 0);
    out[put] = PLUS_SLASH[bits >> 18] ?? 0;
    out[put + 1] = PLUS_SLASH[(bits >> 12) & 63] ?? 0;
    out[put + 2] = left > 1 ? (PLUS_SLASH[(bits >> 6) & 63] ?? 0) : EQUALS;
    out[put + 3] = left > 2 ? (PLUS_SLASH[bits & 63] ?? 0) : EQUALS;
    at += 3;
    put += 4;
  }
}

/** Of bytes [start, end), the position behind the digits: without the padding, which may be missing. */
export function base64End(bytes: Uint8Array, start: number, end: number): number {
  let stop = end;
  if ((end - start) % 4 === 0) while (stop > end - 2 && stop > start && bytes[stop - 1] === EQUALS) stop -= 1;
  return stop;
}

/** How many bytes so many digits stand for. */
export function decodedLength(digits: number): number {
  return Math.floor((digits * 3) / 4);
}

/**
 * Writes what the digits [start, end) of either alphabet stand for at `to` of an array that has room for it. Bits left
 * over are ignored. Returns false where there is another character, or a digit too many.
 */
export function decodeBase64(bytes: Uint8Array, start: number, end: number, out: Uint8Array, to: number): boolean {
  if ((end - start) % 4 === 1) return false;
  let put = to;
  let bits = 0;
  let count = 0;
  for (let at = start; at < end; at++) {
    const value = VALUES[bytes[at] ?? 0] ?? NO_DIGIT;
    if (value === NO_DIGIT) return false;
    bits = ((bits << 6) | value) & 0xfff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[put++] = bits >> count;
  }
  return true;
}
