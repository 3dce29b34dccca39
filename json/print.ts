import { Byte } from "./byte.ts";
import { Output } from "./output.ts";
import { MAX_DEPTH } from "./parse.ts";
import { unescapedEnd } from "./plain.ts";
import { JsonTable } from "./table.ts";
import { encodeText } from "../sys/bytes.ts";
import { JsonValue } from "./value.ts";

/** How deep the printer follows: what the parser accepts, and as much again built around it. */
const MAX_PRINT_DEPTH = 2 * MAX_DEPTH;

/**
 * The JSON text of a value, in UTF-8 and without white space (RFC 8259): what
 * JSON.stringify prints, but numbers keep the text they came with and members
 * their order. Each name is printed once, as `entries` says.
 *
 * The bytes are the caller's. Throws a RangeError for a value that nests more
 * than twice as deep as the parser accepts.
 */
export function printJson(value: JsonValue): Uint8Array {
  const out = new Output(new Uint8Array(64), 0);
  print(out, value.table, value.row, MAX_PRINT_DEPTH);
  return out.bytes.slice(0, out.size);
}

// Cut from one text: encoding each would be a good part of a program's start.
const CONSTANTS = encodeText("nulltruefalse0123456789abcdef");
const NULL = CONSTANTS.subarray(0, 4);
const TRUE = CONSTANTS.subarray(4, 8);
const FALSE = CONSTANTS.subarray(8, 13);
const HEX = CONSTANTS.subarray(13, 29);

function print(out: Output, table: JsonTable, row: number, depth: number): void {
  const end = table.next(row);
  switch (table.mark(row)) {
    case Byte.quote:
      printText(out, table.bytes, table.start(row) + 1, table.stop(row));
      break;
    case Byte.t:
      out.write(TRUE, 0, TRUE.length);
      break;
    case Byte.f:
      out.write(FALSE, 0, FALSE.length);
      break;
    case Byte.n:
      out.write(NULL, 0, NULL.length);
      break;
    case Byte.openArray:
      if (depth === 0) throw tooDeep();
      out.byte(Byte.openArray);
      for (let element = row + 1; element < end; element = table.next(element)) {
        if (element > row + 1) out.byte(Byte.comma);
        print(out, table, element, depth - 1);
      }
      out.byte(Byte.closeArray);
      break;
    case Byte.openObject: {
      if (depth === 0) throw tooDeep();
      out.byte(Byte.openObject);
      let first = true;
      for (const member of new JsonValue(table, row).entries().values()) {
        if (!first) out.byte(Byte.comma);
        first = false;
        printText(out, table.bytes, table.start(member.row - 1) + 1, table.stop(member.row - 1));
        out.byte(Byte.colon);
        print(out, table, member.row, depth - 1);
      }
      out.byte(Byte.closeObject);
      break;
    }
    default:
      out.write(table.bytes, table.start(row), table.stop(row));
  }
}

function tooDeep(): RangeError {
  return new RangeError("JSON nested deeper than " + MAX_PRINT_DEPTH);
}

/** The escapes that have a letter, by character (RFC 8259 section 7), and 0 for the others below it. */
const LETTERS = letters();

function letters(): Uint8Array {
  const table = new Uint8Array(Byte.backslash + 1);
  table[Byte.backspace] = Byte.b;
  table[Byte.tab] = Byte.t;
  table[Byte.lineFeed] = Byte.n;
  table[Byte.formFeed] = Byte.f;
  table[Byte.carriageReturn] = Byte.r;
  table[Byte.quote] = Byte.quote;
  table[Byte.backslash] = Byte.backslash;
  return table;
}

/** Appends the JSON string of bytes [start, end), which are UTF-8. */
export function printText(out: Output, bytes: Uint8Array, start: number, end: number): void {
  out.byte(Byte.quote);
  let at = start;
  for (;;) {
    const clean = at;
    at = unescapedEnd(bytes, at, end);
    if (at > clean) out.write(bytes, clean, at);
    if (at >= end) break;
    const c = bytes[at] ?? 0;
    at += 1;
    const letter = LETTERS[c] ?? 0;
    out.byte(Byte.backslash);
    out.byte(letter === 0 ? Byte.u : letter);
    if (letter !== 0) continue;
    out.byte(Byte.zero);
    out.byte(Byte.zero);
    out.byte(HEX[c >> 4] ?? 0);
    out.byte(HEX[c & 15] ?? 0);
  }
  out.byte(Byte.quote);
}
