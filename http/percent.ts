/** Percent-encoding, RFC 3986 section 2.1. */
import { Ascii } from "./ascii.ts";

/** The value of a hexadecimal digit, -1 where the byte is none. */
export function hexValue(byte: number): number {
  if (byte >= Ascii.zero && byte <= Ascii.nine) return byte - Ascii.zero;
  const letter = byte | 0x20;
  return letter >= Ascii.a && letter <= Ascii.f ? letter - Ascii.a + 10 : -1;
}

/**
 * The bytes that [start, end) stand for, or undefined where an escape is malformed. In a query, where `plus` is to be a
 * space, it is 0x20; elsewhere it is 0x2b.
 */
export function percentDecode(bytes: Uint8Array, start: number, end: number, plus: number): Uint8Array | undefined {
  const out = new Uint8Array(end - start);
  let size = 0;
  for (let at = start; at < end; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === Ascii.percent) {
      const high = at + 2 < end ? hexValue(bytes[at + 1] ?? 0) : -1;
      const low = at + 2 < end ? hexValue(bytes[at + 2] ?? 0) : -1;
      if (high < 0 || low < 0) return undefined;
      byte = high * 16 + low;
      at += 2;
    } else if (byte === Ascii.plus) {
      byte = plus;
    }
    out[size] = byte;
    size += 1;
  }
  return size === out.length ? out : out.subarray(0, size);
}

