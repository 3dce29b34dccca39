/** The query of a request target: `application/x-www-form-urlencoded`, as WHATWG URL section 5.1 parses it. */
import { fileBytes, fileText } from "../sys/bytes.ts";
import { indexOfByte } from "../sys/search.ts";
import { Ascii } from "./ascii.ts";
import { percentDecode } from "./percent.ts";

/**
 * The parameters of a query. A pair that holds a malformed escape is as if absent. Nothing is decoded before it is asked
 * for: a query of a megabyte costs a megabyte.
 */
export class Query {
  private readonly bytes: Uint8Array;

  /** Of the text after the `?` of a target, in which bytes that are no UTF-8 may be escaped as in names of files. */
  constructor(text: string) {
    this.bytes = fileBytes(text);
  }

  /** The first value of a name, decoded; undefined where there is none. Bytes that are no UTF-8 are as in `fileText`. */
  get(name: string): string | undefined {
    const found: string[] = [];
    this.values(name, 1, found);
    return found.at(0);
  }

  /** How many values a name has. */
  count(name: string): number {
    return this.values(name, 0, []);
  }

  /** Counts the values of a name; the first `keep` of them are added to `found`. */
  private values(name: string, keep: number, found: string[]): number {
    const bytes = this.bytes;
    let count = 0;
    for (let start = 0; start < bytes.length; ) {
      const next = indexOfByte(bytes, start, bytes.length, Ascii.ampersand);
      const end = next < 0 ? bytes.length : next;
      const equals = indexOfByte(bytes, start, end, Ascii.equals);
      const stop = equals < 0 ? end : equals;
      const key = percentDecode(bytes, start, stop, Ascii.space);
      if (end > start && key !== undefined && fileText(key, 0, key.length) === name) {
        const value = percentDecode(bytes, Math.min(stop + 1, end), end, Ascii.space);
        if (value !== undefined) {
          if (count < keep) found.push(fileText(value, 0, value.length));
          count += 1;
        }
      }
      start = end + 1;
    }
    return count;
  }
}
