/** Chunks of a response's body; RFC 9112 section 7.1. */
import { encodeText } from "../sys/bytes.ts";

const CR = 13;
const LF = 10;
const DIGITS = encodeText("0123456789abcdef");

/** The chunk that ends a body, without trailers. */
export const LAST_CHUNK = encodeText("0\r\n\r\n");

/** Writes the size of the data in bytes [start, end) before it. Returns where the chunk begins. */
export function chunkStart(bytes: Uint8Array, start: number, end: number): number {
  let at = start - 1;
  bytes[at] = LF;
  bytes[--at] = CR;
  for (let rest = end - start; rest > 0; rest = Math.floor(rest / 16)) bytes[--at] = DIGITS[rest % 16] ?? 0;
  return at;
}

/** Writes the end of a chunk behind its data. Returns where the chunk ends. */
export function chunkEnd(bytes: Uint8Array, end: number): number {
  bytes[end] = CR;
  bytes[end + 1] = LF;
  return end + 2;
}
