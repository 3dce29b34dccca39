/** Bytes that C reads and writes: C strings, pointer vectors, memory at an address. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { indexOfByte } from "./search.ts";

// The compiler knows TextEncoder and TextDecoder only where they are made; natively making one costs nothing.

/** UTF-8 bytes of a string. Lone surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The string that the bytes [start, end) spell in UTF-8; malformed parts become U+FFFD. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  const isWhole = start === 0 && end === bytes.length;
  const text = new TextDecoder().decode(isWhole ? bytes : bytes.subarray(start, end));
  // The decoder drops a leading U+FEFF, which is a character like any other here.
  const dropped = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return dropped ? `\ufeff${text}` : text;
}

/** The length of the well-formed UTF-8 sequence at `at`, before `end`; 0 where there is none (Unicode 16, table 3-7). */
export function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > end) return 0;
  // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let i = at + 2; i < at + length; i++) {
    if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

// A name in the file system is bytes, not always UTF-8, and has to survive as a text. (Python's way, lone surrogates, is
// not open: natively a string is well-formed UTF-8.) A byte that is no UTF-8 becomes two characters of the 32 that
// Unicode keeps out of interchange for such use, U+FDD0 plus its upper half and U+FDE0 plus its lower half, which are
// EF B7 90 to EF B7 9F and EF B7 A0 to EF B7 AF. Where a name has such characters itself, their bytes become so too.
const ESCAPE_LENGTH = 6;
const ZERO = 48;

/** How many bytes at `at` stay as they are in the text of a name; 0 where the byte there is escaped. */
function keptLength(bytes: Uint8Array, at: number, end: number): number {
  const length = sequenceLength(bytes, at, end);
  if (length !== 3 || bytes[at] !== 0xef || bytes[at + 1] !== 0xb7) return length;
  const last = bytes[at + 2] ?? 0;
  return last >= 0x90 && last < 0xb0 ? 0 : length;
}

/** The text of a file's name: bytes [start, end), any at all, of which `fileBytes` makes the same again. */
export function fileText(bytes: Uint8Array, start: number, end: number): string {
  let size = 0;
  for (let at = start; at < end; ) {
    const kept = keptLength(bytes, at, end);
    size += kept === 0 ? ESCAPE_LENGTH : kept;
    at += kept === 0 ? 1 : kept;
  }
  if (size === end - start) return decodeText(bytes, start, end);
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = start; at < end; ) {
    const kept = keptLength(bytes, at, end);
    for (const stop = at + kept; at < stop; at++) {
      out[to] = bytes[at] ?? 0;
      to += 1;
    }
    if (kept > 0) continue;
    const byte = bytes[at] ?? 0;
    for (const half of [0x90 + (byte >> 4), 0xa0 + (byte & 15)]) {
      out[to] = 0xef;
      out[to + 1] = 0xb7;
      out[to + 2] = half;
      to += 3;
    }
    at += 1;
  }
  return decodeText(out, 0, size);
}

/** The bytes of the file's name that a text is. The text of a name that is UTF-8 is just that. */
export function fileBytes(text: string): Uint8Array {
  const bytes = encodeText(text);
  let at = indexOfByte(bytes, 0, bytes.length, 0xef);
  if (at < 0) return bytes;
  let to = at;
  for (; at < bytes.length; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === 0xef && at + ESCAPE_LENGTH <= bytes.length && isEscapeAt(bytes, at)) {
      byte = (((bytes[at + 2] ?? 0) & 15) << 4) | ((bytes[at + 5] ?? 0) & 15);
      at += ESCAPE_LENGTH - 1;
    }
    bytes[to] = byte;
    to += 1;
  }
  return to === bytes.length ? bytes : bytes.slice(0, to);
}

/** Whether six bytes are the escape of a byte that `fileText` would escape: not of one in ASCII. */
function isEscapeAt(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 1] === 0xb7 && ((bytes[at + 2] ?? 0) & 0xf8) === 0x98 &&
    bytes[at + 3] === 0xef && bytes[at + 4] === 0xb7 && ((bytes[at + 5] ?? 0) & 0xf0) === 0xa0;
}

/**
 * A NUL-terminated copy of a string; the bytes that `fileText` escaped are themselves again. Throws RangeError where it
 * has a NUL inside, which C could not see past.
 */
export function cstring(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError("embedded null byte");
  return fileBytes(`${text}\0`);
}

/** A NUL-terminated copy of a text, as it is: of one that never was a file's name, and that has no NUL inside. */
export function plainString(text: string): Uint8Array {
  return encodeText(`${text}\0`);
}

/** Copies the C string at an address. */
export function stringAt(address: number): string {
  const bytes = new Uint8Array(call(Call.strlen, address, 0, 0));
  call(Call.memcpy, addressOf(bytes), address, bytes.length);
  return decodeText(bytes, 0, bytes.length);
}

/** Overwrites bytes [start, end), of a secret for instance, with zeros. */
export function wipe(bytes: Uint8Array, start: number, end: number): void {
  const stop = Math.min(end, bytes.length);
  for (let at = start; at < stop; at++) bytes[at] = 0;
}

/** Whether a text consists of one to `max` characters of an alphabet. (A regular expression would link an engine.) */
export function consistsOf(text: string, alphabet: string, max: number): boolean {
  if (text.length === 0 || text.length > max) return false;
  for (const char of text) {
    if (!alphabet.includes(char)) return false;
  }
  return true;
}

/**
 * The number that a text of one to `max` decimal digits spells; -1 for any other. `max` is at most 15, so that it is exact.
 * (Number() knows all that JavaScript calls a number, which is much to begin with at a start.)
 */
export function decimal(text: string, max: number): number {
  const bytes = encodeText(text);
  if (bytes.length === 0 || bytes.length > max) return -1;
  let value = 0;
  for (let i = 0; i < bytes.length; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

export const DIGITS = "0123456789";
export const HEX_DIGITS = "0123456789abcdefABCDEF";

/** The hexadecimal digits of a number, with zeros in front up to a width. */
export function hex(value: number, width: number): string {
  let digits = "";
  for (let rest = value; rest > 0 || digits === ""; rest = Math.floor(rest / 16)) {
    digits = HEX_DIGITS.charAt(rest % 16) + digits;
  }
  return digits.padStart(width, "0");
}

/** The text with control characters shown as \xNN: what a peer chose must not act on a terminal or forge a line. */
export function printable(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (isControl(text.charCodeAt(i))) return escapeControls(text);
  }
  return text;
}

function escapeControls(text: string): string {
  let out = "";
  for (const char of text) {
    const code = char.charCodeAt(0);
    out += isControl(code) ? `\\x${hex(code, 2)}` : char;
  }
  return out;
}

function isControl(code: number): boolean {
  return code < 32 || (code >= 127 && code < 160);
}

/** Reads a little-endian 64-bit word, exact to 2^53: addresses and sizes. */
export function readWord(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x100000000;
}

/** Writes a non-negative little-endian 64-bit word. */
export function writeWord(view: DataView, offset: number, value: number): void {
  const upper = Math.floor(value / 0x100000000);
  // Not by a remainder, for which a start would have no other use.
  view.setUint32(offset, value - upper * 0x100000000, true);
  view.setUint32(offset + 4, upper, true);
}

/** The addresses in a NULL-terminated vector. */
export function vectorAt(address: number): number[] {
  const addresses: number[] = [];
  const cell = new Uint8Array(8);
  const view = new DataView(cell.buffer);
  const cellAddress = addressOf(cell);
  for (let at = address; ; at += 8) {
    call(Call.memcpy, cellAddress, at, 8);
    const entry = readWord(view, 0);
    if (entry === 0) return addresses;
    addresses.push(entry);
  }
}

/**
 * A NULL-terminated vector of C strings, as execve(2) takes it. It owns the bytes of the strings added to it; strings
 * added by address stay their owner's.
 */
export class CStringVector {
  private readonly addresses: number[] = [];
  private readonly owned: Uint8Array[] = [];
  private vector: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.addresses.length;
  }

  add(text: string): void {
    this.own(cstring(text));
  }

  /** Adds a text as `plainString` has it. */
  addPlain(text: string): void {
    this.own(plainString(text));
  }

  /** The address of a string; 0 where there is none. */
  at(index: number): number {
    return this.addresses.at(index) ?? 0;
  }

  private own(bytes: Uint8Array): void {
    this.owned.push(bytes);
    this.addresses.push(addressOf(bytes));
  }

  addAddress(address: number): void {
    this.addresses.push(address);
  }

  /** The address of the vector, good until the next add and as long as this object lives. */
  address(): number {
    // The one that was handed out before stays.
    if (this.vector.length === (this.addresses.length + 1) * 8) return addressOf(this.vector);
    const bytes = new Uint8Array((this.addresses.length + 1) * 8);
    const view = new DataView(bytes.buffer);
    let offset = 0;
    for (const address of this.addresses) {
      writeWord(view, offset, address);
      offset += 8;
    }
    this.vector = bytes;
    return addressOf(this.vector);
  }
}
