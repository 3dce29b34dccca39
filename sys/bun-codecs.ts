/** The Bun host behind `#codecs`: what node:crypto and node:zlib have. Same exports as native-codecs.ts. */
import { createHash } from "node:crypto";

/** Where bytes from `start` on, up to `end`, stop to be such that a table of 256 gives them one of the bits of a mask. */
export function span(table: Uint8Array, mask: number, bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, bytes.length);
  let at = start;
  while (at < limit && ((table[bytes[at] ?? 0] ?? 0) & mask) !== 0) at++;
  return at;
}

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(`sha${bits}`).update(bytes).digest());
}
