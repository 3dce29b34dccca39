import { Byte } from "./byte.ts";
import { Output } from "./output.ts";

/**
 * A JSON document: bytes, and a table with one row of two numbers for every
 * value and member name, in document order. A value thus costs eight bytes
 * beside its text, however many there are, and a document is two allocations.
 *
 * `start` is the offset in `bytes` of the first byte of the value, which names
 * its kind. `stop` is, for a string or a number, the offset after its text
 * (after the unescaped content, which follows the opening quote); for an
 * object or array the first row that is no longer part of it.
 */
export class JsonTable extends Output {
  rows: Uint32Array;
  count: number;

  /** Takes over both arrays; `size` bytes and `count` rows of them are in use. */
  constructor(bytes: Uint8Array, size: number, rows: Uint32Array, count: number) {
    super(bytes, size);
    this.rows = rows;
    this.count = count;
  }

  start(row: number): number {
    return this.rows[row * 2] ?? 0;
  }

  stop(row: number): number {
    return this.rows[row * 2 + 1] ?? 0;
  }

  /** The byte that names the kind of the value in `row`: one of `{["tfn`, or the first of a number. */
  mark(row: number): number {
    return this.bytes[this.start(row)] ?? 0;
  }

  /** The row after the value in `row` and all it contains. */
  next(row: number): number {
    return isContainer(this.mark(row)) ? this.stop(row) : row + 1;
  }

  /** Appends a row. */
  add(start: number, stop: number): void {
    const at = this.count * 2;
    if (at === this.rows.length) this.rows = moreRows(this.rows);
    this.rows[at] = start;
    this.rows[at + 1] = stop;
    this.count += 1;
  }

  /** Appends a value without contents: its bytes and its row. */
  addScalar(text: Uint8Array): void {
    const start = this.size;
    this.write(text, 0, text.length);
    this.add(start, this.size);
  }

  /** Appends a copy of the value in a row of `other`. */
  addCopy(other: JsonTable, row: number): void {
    const end = other.next(row);
    const first = other.start(row);
    const byteShift = this.size - first;
    const rowShift = this.count - row;
    this.write(other.bytes, first, end < other.count ? other.start(end) : other.size);
    for (let i = row; i < end; i++) {
      this.add(other.start(i) + byteShift, other.stop(i) + (isContainer(other.mark(i)) ? rowShift : byteShift));
    }
  }
}

function isContainer(mark: number): boolean {
  return mark === Byte.openObject || mark === Byte.openArray;
}

/** `rows`, or a copy of it with twice the length. */
export function moreRows(rows: Uint32Array): Uint32Array {
  const more = new Uint32Array(rows.length * 2);
  more.set(rows, 0);
  return more;
}
