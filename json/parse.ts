import { Byte } from "./byte.ts";
import { JsonError } from "./error.ts";
import { scanNumber, scanString, scanWord, skipSpace, unexpected } from "./scan.ts";
import { JsonTable, moreRows } from "./table.ts";
import { JsonValue } from "./value.ts";

export { JsonError } from "./error.ts";
export { MAX_NUMBER } from "./scan.ts";

/** How deep objects and arrays may nest. */
export const MAX_DEPTH = 512;
/** How many values and member names one text may hold. */
export const MAX_VALUES = 100_000;

const FIRST_ROWS = 16;

/**
 * Parses the one JSON text (RFC 8259, UTF-8, no byte order mark) in bytes
 * `start` to `end`, which are copied and remain the caller's.
 *
 * A surrogate escape without its partner becomes U+FFFD. Throws a JsonError,
 * whose offset counts from `start`, for anything malformed and for a text over
 * MAX_DEPTH, MAX_VALUES or MAX_NUMBER.
 */
export function parseJson(source: Uint8Array, start: number, end: number): JsonValue {
  const text = source.subarray(start, end);
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text, 0);
  return parseInPlace(bytes);
}

/** Like `parseJson`, of a text and one more byte of 0, which become the document's: there is no other copy of them. */
export function parseInPlace(bytes: Uint8Array): JsonValue {
  const length = bytes.length - 1;
  let rows: Uint32Array = new Uint32Array(2 * FIRST_ROWS);
  let used = 0;
  // An open container keeps the slot of the one around it in its `stop` until
  // it is closed; `open` is the slot of the innermost, 0 where there is none.
  let open = 0;
  let inObject = false;
  let depth = 0;
  let at = skipSpace(bytes, 0);
  let c = bytes[at] ?? 0;
  for (;;) {
    // The start of a member, an element or the text.
    if (used + 4 > rows.length) rows = moreRows(rows);
    if (inObject) {
      if (c !== Byte.quote) throw unexpected(bytes, at);
      rows[used] = at;
      at = scanString(bytes, at, rows, used + 1);
      used += 2;
      if (bytes[at] !== Byte.colon) {
        at = skipSpace(bytes, at);
        if (bytes[at] !== Byte.colon) throw unexpected(bytes, at);
      }
      at += 1;
      c = bytes[at] ?? 0;
      if (c <= Byte.space) {
        at = skipSpace(bytes, at);
        c = bytes[at] ?? 0;
      }
    }
    if (used >= 2 * MAX_VALUES) throw new JsonError("more than " + MAX_VALUES + " values", at);
    rows[used] = at;
    const stop = used + 1;
    used += 2;
    if (c === Byte.quote) {
      at = scanString(bytes, at, rows, stop);
    } else if (c === Byte.openObject || c === Byte.openArray) {
      if (depth === MAX_DEPTH) throw new JsonError("nested deeper than " + MAX_DEPTH, at);
      depth += 1;
      rows[stop] = open;
      open = stop;
      inObject = c === Byte.openObject;
      at = skipSpace(bytes, at + 1);
      c = bytes[at] ?? 0;
      if (c !== (inObject ? Byte.closeObject : Byte.closeArray)) continue;
    } else {
      at = c === Byte.t ? scanWord(bytes, at, "true")
        : c === Byte.f ? scanWord(bytes, at, "false")
        : c === Byte.n ? scanWord(bytes, at, "null")
        : scanNumber(bytes, at);
      rows[stop] = at;
    }
    // The value is complete, or its closing bracket is next.
    c = bytes[at] ?? 0;
    if (c <= Byte.space) {
      at = skipSpace(bytes, at);
      c = bytes[at] ?? 0;
    }
    while (open > 0 && c === (inObject ? Byte.closeObject : Byte.closeArray)) {
      const outer = rows[open] ?? 0;
      rows[open] = used / 2;
      open = outer;
      inObject = open > 0 && bytes[rows[open - 1] ?? 0] === Byte.openObject;
      depth -= 1;
      at = skipSpace(bytes, at + 1);
      c = bytes[at] ?? 0;
    }
    if (open === 0) break;
    if (c !== Byte.comma) throw unexpected(bytes, at);
    at += 1;
    c = bytes[at] ?? 0;
    if (c <= Byte.space) {
      at = skipSpace(bytes, at);
      c = bytes[at] ?? 0;
    }
  }
  if (at !== length) throw unexpected(bytes, at);
  return new JsonValue(new JsonTable(bytes, length, rows, used / 2), 0);
}
