/** Files read line by line. */
import { check } from "./errno.ts";
import { close, openForReading, read } from "./file.ts";
import { indexOfByte } from "./search.ts";

const FIRST_ROOM = 4096;
/** Bytes that the longest line must be below. */
export const LINE_MAX = 65536;
const NEWLINE = 10;

/** Reads lines in bounded memory, however many there are; one of LINE_MAX bytes or more is passed over. */
export class LineReader {
  /** The line that was read last is bytes [start, end), without what ends it. The next one takes its place. */
  bytes: Uint8Array = new Uint8Array(FIRST_ROOM);
  start = 0;
  end = 0;
  private path = "";
  private fd = -1;
  /** What has been read and not yet been looked at is bytes [from, filled). */
  private from = 0;
  private filled = 0;
  private isAtEnd = false;

  /** Over a file, as `open` has it. Throws SysError. */
  static over(path: string): LineReader {
    const reader = new LineReader();
    reader.open(path);
    return reader;
  }

  /** Begins a file, in place of one that has been closed. The caller calls `close`. Throws SysError. */
  open(path: string): void {
    this.fd = openForReading(path);
    this.path = path;
    this.from = 0;
    this.filled = 0;
    this.isAtEnd = false;
  }

  /** Goes on to the next line; the last one needs no newline. Returns false where there is none. Throws SysError. */
  next(): boolean {
    let isTooLong = false;
    for (;;) {
      const start = this.from;
      const found = indexOfByte(this.bytes, start, this.filled, NEWLINE);
      const isWhole = found >= 0;
      const end = isWhole ? found : this.filled;
      if (isWhole || this.isAtEnd) {
        this.from = isWhole ? end + 1 : end;
        if (!isWhole && (isTooLong || start === end)) return false;
        this.start = start;
        this.end = end;
        if (!isTooLong) return true;
        isTooLong = false;
      } else {
        if (end - start >= LINE_MAX) {
          isTooLong = true;
          this.from = end;
        }
        this.fill();
      }
    }
  }

  /** Reads on, behind what is left. */
  private fill(): void {
    const left = this.bytes.subarray(this.from, this.filled);
    const bytes = left.length === this.bytes.length ? new Uint8Array(left.length * 2) : this.bytes;
    bytes.set(left);
    this.bytes = bytes;
    this.from = 0;
    this.filled = left.length;
    const count = check(read(this.fd, bytes, this.filled, bytes.length - this.filled), "read", this.path);
    this.isAtEnd = count === 0;
    this.filled += count;
  }

  close(): void {
    close(this.fd);
  }
}
