import { Byte } from "./byte.ts";
import { JsonError } from "./error.ts";
import { plainEnd } from "./plain.ts";
import { sequenceLength } from "../sys/bytes.ts";

// The tokens of JSON (RFC 8259 sections 2, 6, 7) over bytes that end in one
// extra 0. No token may contain that 0, so every loop here stops at it, and
// none needs to compare its position with the end.

/** Longest number text accepted, in bytes. */
export const MAX_NUMBER = 4_300;

const HEX = "0123456789abcdef";

/** The error for the byte at `at`, where the grammar has no place for it. */
export function unexpected(bytes: Uint8Array, at: number): JsonError {
  if (at >= bytes.length - 1) return new JsonError("unexpected end", at);
  const c = bytes[at] ?? 0;
  return new JsonError("unexpected byte 0x" + HEX.charAt(c >> 4) + HEX.charAt(c & 15), at);
}

/** The position of the first byte at or after `at` that is not white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let c = bytes[at] ?? 0;
  while (c === Byte.space || c === Byte.lineFeed || c === Byte.carriageReturn || c === Byte.tab) {
    at += 1;
    c = bytes[at] ?? 0;
  }
  return at;
}

/** Scans `word`, whose first byte is known to match; returns the position after it. */
export function scanWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) throw unexpected(bytes, at + i);
  }
  return at + word.length;
}

/** Scans one or more digits; returns the position after them. */
function scanDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  let c = bytes[at] ?? 0;
  while (c >= Byte.zero && c <= Byte.nine) {
    at += 1;
    c = bytes[at] ?? 0;
  }
  if (at === start) throw unexpected(bytes, at);
  return at;
}

/** Scans the number at `start`; returns the position after it. A byte that starts no value at all is refused here too. */
export function scanNumber(bytes: Uint8Array, start: number): number {
  const whole = bytes[start] === Byte.minus ? start + 1 : start;
  let at = scanDigits(bytes, whole);
  if (at > whole + 1 && bytes[whole] === Byte.zero) throw unexpected(bytes, whole + 1);
  let c = bytes[at] ?? 0;
  if (c === Byte.dot) {
    at = scanDigits(bytes, at + 1);
    c = bytes[at] ?? 0;
  }
  if (c === Byte.e || c === Byte.upperE) {
    at += 1;
    c = bytes[at] ?? 0;
    at = scanDigits(bytes, c === Byte.plus || c === Byte.minus ? at + 1 : at);
  }
  if (at - start > MAX_NUMBER) throw new JsonError("number longer than " + MAX_NUMBER + " bytes", start);
  return at;
}

/** The length of the UTF-8 sequence at `at`. The 0 behind the text is no part of one. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const length = sequenceLength(bytes, at, bytes.length);
  if (length === 0) throw new JsonError("invalid UTF-8", at);
  return length;
}

/**
 * Scans the string whose opening quote is at `start` and returns the position
 * after its closing quote. Escapes are replaced within `bytes`: the content,
 * which never grows by that, starts after the opening quote and ends at
 * `stops[slot]`.
 */
export function scanString(bytes: Uint8Array, start: number, stops: Uint32Array, slot: number): number {
  let at = start + 1;
  let c = 0;
  for (;;) {
    at = plainEnd(bytes, at, bytes.length);
    c = bytes[at] ?? 0;
    if (c < 0x80) break;
    at += utf8Length(bytes, at);
  }
  let to = at;
  while (c !== Byte.quote) {
    if (c === Byte.backslash) {
      at += 1;
      c = bytes[at] ?? 0;
      if (c === Byte.u) {
        const code = codePoint(bytes, at + 1);
        at += code > 0xffff ? 11 : 5;
        to = putCodePoint(bytes, to, isSurrogate(code) ? 0xfffd : code);
      } else {
        bytes[to] = unescaped(bytes, at);
        to += 1;
        at += 1;
      }
    } else if (c < Byte.space) {
      throw unexpected(bytes, at);
    } else {
      const next = at + (c < 0x80 ? 1 : utf8Length(bytes, at));
      while (at < next) {
        bytes[to] = bytes[at] ?? 0;
        to += 1;
        at += 1;
      }
    }
    c = bytes[at] ?? 0;
  }
  stops[slot] = to;
  return at + 1;
}

/** The byte that the one-letter escape at `at` stands for. */
function unescaped(bytes: Uint8Array, at: number): number {
  switch (bytes[at] ?? 0) {
    case Byte.quote: return Byte.quote;
    case Byte.slash: return Byte.slash;
    case Byte.backslash: return Byte.backslash;
    case Byte.b: return Byte.backspace;
    case Byte.f: return Byte.formFeed;
    case Byte.n: return Byte.lineFeed;
    case Byte.r: return Byte.carriageReturn;
    case Byte.t: return Byte.tab;
    default: throw unexpected(bytes, at);
  }
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** The code point whose four hexadecimal digits start at `at`, or a surrogate that has no partner. */
function codePoint(bytes: Uint8Array, at: number): number {
  const code = hex4(bytes, at);
  if (code < 0xd800 || code > 0xdbff || bytes[at + 4] !== Byte.backslash || bytes[at + 5] !== Byte.u) return code;
  const low = hex4(bytes, at + 6);
  if (low < 0xdc00 || low > 0xdfff) return code;
  return 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
}

function hex4(bytes: Uint8Array, at: number): number {
  let code = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i] ?? 0;
    const letter = c | 0x20;
    if (c >= Byte.zero && c <= Byte.nine) code = code * 16 + c - Byte.zero;
    else if (letter >= Byte.a && letter <= Byte.f) code = code * 16 + letter - 0x57;
    else throw unexpected(bytes, i);
  }
  return code;
}

/** Writes a code point as UTF-8 at `to`; returns the position after it. */
function putCodePoint(bytes: Uint8Array, to: number, code: number): number {
  let shift = code < 0x80 ? 0 : code < 0x800 ? 6 : code < 0x10000 ? 12 : 18;
  const mark = shift === 0 ? 0 : shift === 6 ? 0xc0 : shift === 12 ? 0xe0 : 0xf0;
  bytes[to] = mark | (code >> shift);
  to += 1;
  while (shift > 0) {
    shift -= 6;
    bytes[to] = 0x80 | ((code >> shift) & 0x3f);
    to += 1;
  }
  return to;
}
