/** Files read line by line. */
import { addressOf, call6 } from "#libc";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { close, openForReading } from "./file.ts";
import { indexOfByte } from "./search.ts";

const FIRST_ROOM = 4096;
/** Bytes that the longest line must be below. */
export const LINE_MAX = 65536;
const NEWLINE = 10;

/** Reads lines in bounded memory, however many there are; one of LINE_MAX bytes or more is passed over. */
export class LineReader {
  /** The line that was read last is bytes [start, end), without what ends it. The next one takes its place. */
  bytes: Uint8Array;
  start = 0;
  end = 0;
  /**
   * For lists of proc(5) and the like, which fill what they are given up to a line that does not fit: what leaves more room
   * than this was the last of it. 0 for other files, of which only nothing is the end.
   */
  lineMax = 0;
  private readonly path: string;
  private readonly fd: number;
  /** What has been read and not yet been looked at is bytes [from, filled). */
  private from = 0;
  private filled = 0;
  private isAtEnd = false;
  /** Where in the file the next read begins. */
  private position = 0;

  private constructor(path: string, fd: number, bytes: Uint8Array) {
    this.path = path;
    this.fd = fd;
    this.bytes = bytes;
  }

  /** The caller calls `close`. Throws SysError. */
  static open(path: string): LineReader {
    return LineReader.over(path, new Uint8Array(FIRST_ROOM));
  }

  /** Like `open`, with an array to read into, which is lent as long as the reader is used. */
  static over(path: string, bytes: Uint8Array): LineReader {
    return new LineReader(path, openForReading(path), bytes);
  }

  /** Goes back to the beginning of the file. */
  rewind(): void {
    this.from = 0;
    this.filled = 0;
    this.position = 0;
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
    const room = bytes.length - left.length;
    const count = check(call6(Call.pread, this.fd, addressOf(bytes) + left.length, room, this.position, 0, 0), "read", this.path);
    this.isAtEnd = count === 0 || (this.lineMax > 0 && count + this.lineMax < room);
    this.filled += count;
    this.position += count;
  }

  close(): void {
    close(this.fd);
  }
}
