import { decodeText } from "../sys/bytes.ts";

/** The ASCII bytes that HTTP's grammar is made of. A const enum, because natively a const is a variable. */
export const enum Ascii {
  tab = 0x09,
  lineFeed = 0x0a,
  carriageReturn = 0x0d,
  space = 0x20,
  quote = 0x22,
  percent = 0x25,
  ampersand = 0x26,
  plus = 0x2b,
  comma = 0x2c,
  minus = 0x2d,
  zero = 0x30,
  nine = 0x39,
  colon = 0x3a,
  semicolon = 0x3b,
  equals = 0x3d,
  upperA = 0x41,
  upperZ = 0x5a,
  backslash = 0x5c,
  a = 0x61,
  f = 0x66,
  delete = 0x7f,
}

/** A byte, a letter of ASCII in lower case. */
export function lower(byte: number): number {
  return byte >= Ascii.upperA && byte <= Ascii.upperZ ? byte | 0x20 : byte;
}

/** The text that bytes [start, end) spell, its letters of ASCII in lower case. */
export function lowerText(bytes: Uint8Array, start: number, end: number): string {
  const out = bytes.slice(start, end);
  for (let i = 0; i < out.length; i++) out[i] = lower(out[i] ?? 0);
  return decodeText(out, 0, out.length);
}

/** Whether bytes [start, end) are a word, which is given in lower case, in either case of ASCII. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (lower(bytes[start + i] ?? 0) !== word.charCodeAt(i)) return false;
  }
  return true;
}
