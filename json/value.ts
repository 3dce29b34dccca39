import { Byte } from "./byte.ts";
import { JsonTable } from "./table.ts";
import { decodeText, encodeText } from "../sys/bytes.ts";

/** What a JsonValue is. */
export const enum JsonKind { null, bool, number, string, array, object }

/** What a container that is being built starts with. */
const FIRST_BYTES = 64;
const FIRST_ROWS = 8;

/**
 * A JSON value: a place in a document that somebody parsed or builds. It keeps
 * the whole document alive; the strings and numbers taken from it do not.
 */
export class JsonValue {
  readonly table: JsonTable;
  readonly row: number;

  constructor(table: JsonTable, row: number) {
    this.table = table;
    this.row = row;
  }

  static null(): JsonValue { return scalar("n"); }
  static bool(b: boolean): JsonValue { return scalar(b ? "t" : "f"); }
  static string(s: string): JsonValue { return scalar('"' + s); }
  /** A number, or null for NaN and the infinities, which JSON lacks. */
  static number(n: number): JsonValue { return scalar(Number.isFinite(n) ? String(n) : "n"); }
  static array(): JsonValue { return container(Byte.openArray); }
  static object(): JsonValue { return container(Byte.openObject); }

  get kind(): JsonKind {
    switch (this.table.mark(this.row)) {
      case Byte.quote: return JsonKind.string;
      case Byte.openObject: return JsonKind.object;
      case Byte.openArray: return JsonKind.array;
      case Byte.t:
      case Byte.f: return JsonKind.bool;
      case Byte.n: return JsonKind.null;
      default: return JsonKind.number;
    }
  }

  /** A number as it was written, `1.0` or `9007199254740993` for instance; empty for other kinds. */
  get text(): string {
    if (this.kind !== JsonKind.number) return "";
    return decodeText(this.table.bytes, this.table.start(this.row), this.table.stop(this.row));
  }

  isNull(): boolean { return this.kind === JsonKind.null; }

  // These answer undefined for a value of another kind.
  asBool(): boolean | undefined { return this.kind === JsonKind.bool ? this.table.mark(this.row) === Byte.t : undefined; }
  asString(): string | undefined { return this.kind === JsonKind.string ? content(this.table, this.row) : undefined; }
  /** The bytes of a string, in UTF-8: the caller's own. */
  asBytes(): Uint8Array | undefined {
    const table = this.table;
    return this.kind === JsonKind.string ? table.bytes.slice(table.start(this.row) + 1, table.stop(this.row)) : undefined;
  }

  /** The nearest double, which is infinite for a number such as `1e999`. */
  asNumber(): number | undefined { return this.kind === JsonKind.number ? Number(this.text) : undefined; }

  /** The value of the last member of this name; undefined where there is none, or the value is not an object. */
  get(key: string): JsonValue | undefined {
    return this.member(encodeText(key));
  }

  /** Like `get`, by a name in UTF-8, for one who asks the same of many documents. */
  member(name: Uint8Array): JsonValue | undefined {
    const row = this.memberRow(name);
    return row > 0 ? new JsonValue(this.table, row) : undefined;
  }

  /** Whether the last member of this name is this string, both in UTF-8. Allocates nothing. */
  hasString(name: Uint8Array, text: Uint8Array): boolean {
    const row = this.memberRow(name);
    return row > 0 && this.table.mark(row) === Byte.quote && holds(this.table, row, text);
  }

  /** The row of the last member of this name; 0 where there is none, or the value is not an object. */
  private memberRow(name: Uint8Array): number {
    const table = this.table;
    if (table.mark(this.row) !== Byte.openObject) return 0;
    const end = table.stop(this.row);
    let found = 0;
    for (let row = this.row + 1; row < end; row = table.next(row + 1)) {
      if (holds(table, row, name)) found = row + 1;
    }
    return found;
  }

  /** The members by name, in order. Of members with one name the last counts, at the place of the first. */
  entries(): Map<string, JsonValue> {
    const members = new Map<string, JsonValue>();
    if (this.kind !== JsonKind.object) return members;
    const table = this.table;
    const end = table.stop(this.row);
    for (let row = this.row + 1; row < end; row = table.next(row + 1)) {
      members.set(content(table, row), new JsonValue(table, row + 1));
    }
    return members;
  }

  /** The elements of an array; empty for other kinds. */
  items(): JsonValue[] {
    const elements: JsonValue[] = [];
    if (this.kind !== JsonKind.array) return elements;
    const end = this.table.stop(this.row);
    for (let row = this.row + 1; row < end; row = this.table.next(row)) elements.push(new JsonValue(this.table, row));
    return elements;
  }

  /** Adds a copy of `value` as the member `key`, in place of one of that name; returns this object. */
  set(key: string, value: JsonValue): JsonValue {
    if (this.kind !== JsonKind.object) throw new TypeError("set: not an object");
    return this.grow('"' + key, value);
  }

  /** Adds a copy of `value` as the last element; returns this array. */
  push(value: JsonValue): JsonValue {
    if (this.kind !== JsonKind.array) throw new TypeError("push: not an array");
    return this.grow("", value);
  }

  private grow(name: string, value: JsonValue): JsonValue {
    // The rows of an inner value are followed by those of its siblings.
    if (this.row !== 0) throw new TypeError("only a whole document grows");
    const table = this.table;
    if (name.length > 0) table.addScalar(encodeText(name));
    table.addCopy(value.table, value.row);
    table.rows[1] = table.count;
    return this;
  }
}

function scalar(text: string): JsonValue {
  const bytes = encodeText(text);
  return whole(bytes, bytes.length, 1);
}

function container(mark: number): JsonValue {
  const bytes = new Uint8Array(FIRST_BYTES);
  bytes[0] = mark;
  return whole(bytes, 1, FIRST_ROWS);
}

/** A document of one row; for a scalar `stop` is the end of its text, for a container, with a mark alone, the next row. */
function whole(bytes: Uint8Array, stop: number, capacity: number): JsonValue {
  const rows = new Uint32Array(2 * capacity);
  rows[1] = stop;
  return new JsonValue(new JsonTable(bytes, stop, rows, 1), 0);
}

/** The content of the string in `row`. */
function content(table: JsonTable, row: number): string {
  return decodeText(table.bytes, table.start(row) + 1, table.stop(row));
}

/** Whether the string in `row` is made of these bytes. */
function holds(table: JsonTable, row: number, text: Uint8Array): boolean {
  const from = table.start(row) + 1;
  if (table.stop(row) - from !== text.length) return false;
  const bytes = table.bytes;
  for (let i = 0; i < text.length; i++) {
    if (bytes[from + i] !== text[i]) return false;
  }
  return true;
}
