/** The native host behind `#codecs`: C files of their own. Same exports as bun-codecs.ts. */
import { addressOf } from "#libc";

declare function mote_sha2(bits: number, bytes: number, length: number, out: number): number;
declare function mote_span(table: number, mask: number, bytes: number, start: number, end: number): number;

/** Where bytes from `start` on, up to `end`, stop to be such that a table of 256 gives them one of the bits of a mask. */
export function span(table: Uint8Array, mask: number, bytes: Uint8Array, start: number, end: number): number {
  return mote_span(addressOf(table), mask, addressOf(bytes), start, Math.min(end, bytes.length));
}

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bits / 8);
  mote_sha2(bits, addressOf(bytes), bytes.length, addressOf(out));
  return out;
}
