/** The Bun host behind `#codecs`: what node:crypto and node:zlib have. Same exports as native-codecs.ts. */
import { createHash } from "node:crypto";

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(`sha${bits}`).update(bytes).digest());
}
