// Bytes through a stream that are known beforehand, as many as one likes, and checked where they arrive.

import type { Stream } from "./stream.ts";

export const block = Buffer.from(crypto.getRandomValues(new Uint8Array(65536)));

/** What is poured: `block`, over and over. */
export const pattern = Buffer.concat(Array.from({ length: 32 }, () => block));

/** Has a stream take the rest of what `pour` sends. */
export function check(stream: Stream): { isExact: boolean } {
  const result = { isExact: true };
  let at = stream.received % block.length;
  stream.onChunk = (chunk) => {
    if (!chunk.equals(pattern.subarray(at, at + chunk.length))) result.isExact = false;
    at = (at + chunk.length) % block.length;
  };
  return result;
}

/** Sends so many bytes, and then the end. */
export async function pour(stream: Stream, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const size = Math.min(left, 1 << 20);
    await stream.send(pattern.subarray(0, size));
    left -= size;
  }
  stream.endSending();
}
