/** Base64, RFC 4648. */
import { base64, base64Digits } from "#codecs";
import { decodeText } from "./bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const QUAD = 4;

/**
 * The bytes that a text spells, or undefined where it is not base64: padded to whole groups of four, no other character
 * and no line break (section 3.3), no bits left over (section 3.5).
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % QUAD !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / QUAD) * 3 - padding);
  const view = new DataView(bytes.buffer);
  let length = 0;
  for (let start = 0; start < text.length; start += QUAD) {
    let bits = 0;
    for (let at = start; at < start + QUAD; at++) {
      const value = at < text.length - padding ? ALPHABET.indexOf(text.charAt(at)) : 0;
      if (value < 0) return undefined;
      bits = (bits << 6) | value;
    }
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (bits >> shift) & 0xff;
      if (length < bytes.length) view.setUint8(length, byte);
      else if (byte !== 0) return undefined;
      length++;
    }
  }
  return bytes;
}

const EQUALS = 0x3d;

/** Of bytes [start, end) where the digits end, before the padding, which may be missing. */
export function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let stop = end;
  if ((end - start) % QUAD === 0) while (stop > end - 2 && stop > start && bytes[stop - 1] === EQUALS) stop -= 1;
  return stop;
}

/** How many bytes so many digits are. */
export function decodedLength(digits: number): number {
  return Math.floor((digits * 3) / QUAD);
}

/**
 * Writes what digits [start, end) of either alphabet, sections 4 and 5, are into an output, from `outStart` on. Bits left
 * over are ignored. Returns false where there is another character, or a digit too many. Throws RangeError without room.
 */
export function decodeDigits(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number): boolean {
  const isWithin = start >= 0 && start <= end && end <= bytes.length && outStart >= 0;
  if (!isWithin || decodedLength(end - start) > output.length - outStart) throw new RangeError("base64: no room");
  return base64Digits(bytes, start, end, output, outStart);
}

/** How many characters so many bytes make; `isPadded`: filled up to whole groups of four. */
export function base64Length(count: number, isPadded: boolean): number {
  return isPadded ? Math.ceil(count / 3) * QUAD : Math.ceil((count * QUAD) / 3);
}

/**
 * Writes bytes [start, end) as base64 into an output, from `outStart` on. A stream is encoded in parts of a multiple of
 * three bytes. Returns how many characters that made. Throws RangeError where there is no room for them.
 */
export function encodeBase64(
  bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number, isPadded: boolean,
): number {
  const isWithin = start >= 0 && start <= end && end <= bytes.length && outStart >= 0;
  if (!isWithin || base64Length(end - start, isPadded) > output.length - outStart) throw new RangeError("base64: no room");
  return base64(bytes, start, end, output, outStart, isPadded);
}

/** The base64 of bytes as a text. */
export function base64Text(bytes: Uint8Array, isPadded: boolean): string {
  const output = new Uint8Array(base64Length(bytes.length, isPadded));
  return decodeText(output, 0, encodeBase64(bytes, 0, bytes.length, output, 0, isPadded));
}
