/** Names of files, packed: a directory may have very many. */
import { mergeNames } from "#codecs";
import { fileText } from "./bytes.ts";
import { indexOfByte } from "./search.ts";

const FIRST_BYTES = 1024;

/** Names that are added, and then gone through once. */
export class Names {
  count = 0;
  /** Each with a NUL behind it. */
  private bytes: Uint8Array;
  private size: number;
  private at = 0;

  /** Of the names in bytes, each with a NUL behind it; the count is of those that are added. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  /** Adds bytes [start, end), in which there is no NUL. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const size = this.size + end - start + 1;
    if (size > this.bytes.length) {
      const more = new Uint8Array(Math.max(size, this.bytes.length * 2, FIRST_BYTES));
      more.set(this.bytes);
      this.bytes = more;
    }
    this.bytes.set(bytes.subarray(start, end), this.size);
    this.bytes[size - 1] = 0;
    this.size = size;
    this.count += 1;
  }

  /** Takes the next one, with a NUL behind it: for C. Undefined where there is none. */
  next(): Uint8Array | undefined {
    const start = this.at;
    const end = indexOfByte(this.bytes, start, this.size, 0);
    if (end < 0) return undefined;
    this.at = end + 1;
    return this.bytes.slice(start, end + 1);
  }

  /** Takes the text of the next one. */
  nextText(): string | undefined {
    const name = this.next();
    return name === undefined ? undefined : fileText(name, 0, name.length - 1);
  }
}

/** Names that are put in ascending order of their bytes, a little with each that is added. */
export class NameSorter {
  /** Sorted ones, each twice as long as the next at least. */
  private readonly runs: Uint8Array[] = [];
  /** How many names are in each. */
  private readonly counts: number[] = [];

  /** Adds bytes [start, end), in which there is no NUL. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const run = new Uint8Array(end - start + 1);
    run.set(bytes.subarray(start, end));
    this.runs.push(run);
    this.counts.push(1);
    while (this.counts.length > 1 && this.counts.at(-2) === this.counts.at(-1)) this.merge();
  }

  /** Goes on when all have been added. Returns them when they are in order, undefined where it is to be called again. */
  finish(): Names | undefined {
    if (this.runs.length > 1) this.merge();
    return this.runs.length > 1 ? undefined : new Names(this.runs.at(0) ?? new Uint8Array(0));
  }

  private merge(): void {
    const right = this.runs.pop() ?? new Uint8Array(0);
    const left = this.runs.pop() ?? new Uint8Array(0);
    this.runs.push(mergeNames(left, right));
    this.counts.push((this.counts.pop() ?? 0) + (this.counts.pop() ?? 0));
  }
}
