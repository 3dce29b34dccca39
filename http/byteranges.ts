/** A response of several ranges: `multipart/byteranges`, RFC 9110 section 14.6. */
import type { ByteRange } from "./range.ts";

/** What goes before the bytes of a range: the part's delimiter and headers. `index` counts the ranges from 0. */
export function partHead(boundary: string, index: number, type: string, range: ByteRange, size: number): string {
  const lead = index === 0 ? "" : "\r\n";
  return `${lead}--${boundary}\r\nContent-Range: ${range.contentRange(size)}\r\nContent-Type: ${type}\r\n\r\n`;
}

/** What goes after the last range. */
export function partsEnd(boundary: string): string {
  return `\r\n--${boundary}--\r\n`;
}

/** The length of the whole, whose boundary and type are ASCII. */
export function partsLength(boundary: string, type: string, ranges: ByteRange[], size: number): number {
  let length = partsEnd(boundary).length;
  let index = 0;
  for (const range of ranges) {
    length += partHead(boundary, index, type, range, size).length + range.length;
    index += 1;
  }
  return length;
}
