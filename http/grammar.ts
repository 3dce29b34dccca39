/** The character classes of a message; RFC 9110 section 5.6 and RFC 9112 section 3. */
import { span } from "#codecs";

const TOKEN = 1;
const FIELD = 2;
const VISIBLE = 4;
const SPECIALS = "!#$%&'*+-.^_`|~";

const classes = makeClasses();

function makeClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0x20; byte < 0x100; byte++) table[byte] = byte === 0x7f ? 0 : FIELD;
  table[9] = FIELD;
  // Beyond what is allowed clients send UTF-8 in targets as it is.
  for (let byte = 0x21; byte < 0x100; byte++) table[byte] = byte === 0x7f ? 0 : FIELD + VISIBLE;
  for (let byte = 48; byte <= 122; byte++) {
    const isAlphanumeric = byte <= 57 || (byte >= 65 && byte <= 90) || byte >= 97;
    if (isAlphanumeric) table[byte] = TOKEN + FIELD + VISIBLE;
  }
  for (let i = 0; i < SPECIALS.length; i++) table[SPECIALS.charCodeAt(i) & 0xff] = TOKEN + FIELD + VISIBLE;
  return table;
}

/** Where a token ends that begins at `start`: a method, a field name. */
export function tokenEnd(bytes: Uint8Array, start: number, end: number): number {
  return span(classes, TOKEN, bytes, start, end);
}

/** Where a field's value ends that begins at `start`. */
export function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  return span(classes, FIELD, bytes, start, end);
}

/** Where a request target ends that begins at `start`. */
export function targetEnd(bytes: Uint8Array, start: number, end: number): number {
  return span(classes, VISIBLE, bytes, start, end);
}
