/** The character classes of a message; RFC 9110 section 5.6 and RFC 9112 section 3. */

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

/** Whether a byte may stand in a token: a method, a field name. */
export function isTokenByte(byte: number): boolean {
  return ((classes[byte & 0xff] ?? 0) & TOKEN) !== 0;
}

/** Whether a byte may stand in a field's value. */
export function isFieldByte(byte: number): boolean {
  return ((classes[byte & 0xff] ?? 0) & FIELD) !== 0;
}

/** Whether a byte may stand in a request target. */
export function isVisibleByte(byte: number): boolean {
  return ((classes[byte & 0xff] ?? 0) & VISIBLE) !== 0;
}
