/** Runs of bytes that stand for themselves in a JSON string, RFC 8259 section 7. */
import { span } from "#codecs";
import { Byte } from "./byte.ts";

const ASCII = 1;
const OTHER = 2;
const classes = makeClasses();

function makeClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = Byte.space as number; byte < 256; byte++) table[byte] = byte < 0x80 ? ASCII : OTHER;
  table[Byte.quote] = 0;
  table[Byte.backslash] = 0;
  return table;
}

/** Where characters of ASCII end that need no escape; from `start` on, at `end` at the latest. */
export function plainEnd(bytes: Uint8Array, start: number, end: number): number {
  return span(classes, ASCII, bytes, start, end);
}

/** Where bytes of UTF-8 end that need no escape. */
export function unescapedEnd(bytes: Uint8Array, start: number, end: number): number {
  return span(classes, ASCII + OTHER, bytes, start, end);
}
