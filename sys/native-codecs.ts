/** The native host behind `#codecs`: C files of their own. Same exports as bun-codecs.ts. */
import { addressOf } from "#libc";

declare function mote_sha2(bits: number, bytes: number, length: number, out: number): number;

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bits / 8);
  mote_sha2(bits, addressOf(bytes), bytes.length, addressOf(out));
  return out;
}
