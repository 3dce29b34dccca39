/** Digests of bytes, FIPS 180-4, and how to compare secrets by them. */
import { sha2 } from "#codecs";

/** The 32 bytes of SHA-256. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return sha2(256, bytes);
}

/** The 64 bytes of SHA-512. */
export function sha512(bytes: Uint8Array): Uint8Array {
  return sha2(512, bytes);
}

/**
 * Whether two digests are the same, in a time that depends on their length alone. Secrets are compared by their digests:
 * then not even their length shows.
 */
export function equalDigests(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
