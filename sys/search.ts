/** Searching bytes at the speed of libc. */
import { addressOf, call, call6 } from "#libc";
import { Call } from "./calls.ts";

/** The index of the first byte of a value in [start, end), or -1; memchr(3). */
export function indexOfByte(bytes: Uint8Array, start: number, end: number, value: number): number {
  if (start >= end) return -1;
  const base = addressOf(bytes);
  const found = call(Call.memchr, base + start, value, end - start);
  return found === 0 ? -1 : found - base;
}

/** The index of the first 32-bit word of a value among words [start, end), in the machine's order, or -1; wmemchr(3). */
export function indexOfWord(bytes: Uint8Array, start: number, end: number, value: number): number {
  if (start >= end) return -1;
  const base = addressOf(bytes);
  const found = call(Call.wmemchr, base + start * 4, value, end - start);
  return found === 0 ? -1 : (found - base) / 4;
}

/** The index of the first occurrence of a text that lies whole in [start, end), or -1; memmem(3), linear in the worst case. */
export function indexOfBytes(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  if (start >= end) return -1;
  const base = addressOf(bytes);
  const found = call6(Call.memmem, base + start, end - start, addressOf(text), text.length, 0, 0);
  return found === 0 ? -1 : found - base;
}
