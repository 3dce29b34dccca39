/** Bytes that C reads and writes: C strings, pointer vectors, memory at an address. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";

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

/** A NUL-terminated copy of a string. Throws RangeError where it has a NUL inside, which C could not see past. */
export function cstring(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError("embedded null byte");
  return encodeText(`${text}\0`);
}

/** Copies the C string at an address. */
export function stringAt(address: number): string {
  const bytes = new Uint8Array(call(Call.strlen, address, 0, 0));
  call(Call.memcpy, addressOf(bytes), address, bytes.length);
  return decodeText(bytes, 0, bytes.length);
}

/** Whether a text consists of one to `max` characters of an alphabet. (A regular expression would link an engine.) */
export function consistsOf(text: string, alphabet: string, max: number): boolean {
  if (text.length === 0 || text.length > max) return false;
  for (const char of text) {
    if (!alphabet.includes(char)) return false;
  }
  return true;
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
  view.setUint32(offset, value % 0x100000000, true);
  view.setUint32(offset + 4, Math.floor(value / 0x100000000), true);
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

  add(text: string): void {
    const bytes = cstring(text);
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
