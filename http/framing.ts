/** Where a request's body begins and ends: a content length, or chunks; RFC 9112 sections 6 and 7. */
import type { RequestHead } from "./head.ts";

/** Bytes of a chunk's size line, with its extensions, and of the trailer section. */
const MAX_LINE_BYTES = 4096;
const MAX_TRAILER_BYTES = 65536;
/** Hexadecimal digits of a chunk's size: below what a double holds exactly. */
const MAX_SIZE_DIGITS = 12;

const CR = 13;
const LF = 10;

const enum State {
  /** Bytes of the body, `left` of them. */
  DATA,
  /** The digits of a chunk's size. */
  SIZE,
  /** What follows them, up to the end of the line. */
  EXTENSION,
  /** The end of that line, behind its CR. */
  SIZE_END,
  /** The CR behind a chunk's data, then its LF. */
  DATA_CR,
  DATA_LF,
  /** The beginning of a line of the trailer section, or of its end. */
  TRAILER,
  TRAILER_LINE,
  TRAILER_LF,
  LAST_LF,
  END,
}

/** The body breaks the framing: where the next request begins cannot be told. */
export class FramingError extends Error {}

/** Takes a body out of the bytes of a connection. */
export class Framing {
  private state = State.END;
  /** Bytes of data that are to come: of the body, or of a chunk. */
  private left = 0;
  private isChunked = false;
  private digits = 0;
  private lineBytes = 0;
  private trailerBytes = 0;
  /** Where the data is that `next` has found. */
  dataEnd = 0;

  /** Begins with the body of a request. */
  begin(head: RequestHead): void {
    this.isChunked = head.isChunked;
    this.trailerBytes = 0;
    this.left = head.isChunked ? 0 : head.contentLength;
    if (head.isChunked) this.beginSize();
    else this.state = this.left > 0 ? State.DATA : State.END;
  }

  get isAtEnd(): boolean {
    return this.state === State.END;
  }

  /** At least so many bytes of the body are to come. */
  get expected(): number {
    return this.left;
  }

  /**
   * Passes over framing in bytes [start, end) and returns where data begins, which ends at `dataEnd`; `end` where there is
   * none. At the end of the body it returns where the next request begins, with nothing up to `dataEnd`. The caller says
   * with `take` how much of the data it has used. Throws FramingError.
   */
  next(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    const limit = Math.min(end, bytes.length);
    while (at < limit && this.state !== State.DATA && this.state !== State.END) {
      this.step(bytes[at] ?? 0);
      at++;
    }
    this.dataEnd = this.state === State.DATA ? Math.min(limit, at + this.left) : at;
    return at;
  }

  /** So many bytes of data have been used. */
  take(count: number): void {
    if (count === 0) return;
    this.left -= count;
    if (this.left === 0) this.state = this.isChunked ? State.DATA_CR : State.END;
  }

  private beginSize(): void {
    this.state = State.SIZE;
    this.digits = 0;
    this.lineBytes = 0;
    this.left = 0;
  }

  /** One byte that is no data. */
  private step(byte: number): void {
    switch (this.state) {
      case State.SIZE: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          if (++this.digits > MAX_SIZE_DIGITS) throw new FramingError("a chunk's size is too large");
          this.left = this.left * 16 + digit;
          return;
        }
        if (this.digits === 0) throw new FramingError("a chunk's size is no number");
        if (byte === CR) this.state = State.SIZE_END;
        else if (byte === 59) this.state = State.EXTENSION;
        else throw new FramingError("a chunk's size is no number");
        return;
      }
      case State.EXTENSION:
        if (byte === CR) this.state = State.SIZE_END;
        else if (byte === LF || ++this.lineBytes > MAX_LINE_BYTES) throw new FramingError("a chunk's extension is malformed");
        return;
      case State.SIZE_END:
        if (byte !== LF) throw new FramingError("a chunk's size line is malformed");
        this.state = this.left > 0 ? State.DATA : State.TRAILER;
        return;
      case State.DATA_CR:
        if (byte !== CR) throw new FramingError("a chunk is longer than its size");
        this.state = State.DATA_LF;
        return;
      case State.DATA_LF:
        if (byte !== LF) throw new FramingError("a chunk is longer than its size");
        this.beginSize();
        return;
      default:
        this.stepTrailer(byte);
    }
  }

  /** Trailers are passed over: nothing here uses one. */
  private stepTrailer(byte: number): void {
    if (++this.trailerBytes > MAX_TRAILER_BYTES) throw new FramingError("the trailers are too large");
    switch (this.state) {
      case State.TRAILER:
        this.state = byte === CR ? State.LAST_LF : State.TRAILER_LINE;
        if (byte === LF) throw new FramingError("a trailer is malformed");
        return;
      case State.TRAILER_LINE:
        if (byte === CR) this.state = State.TRAILER_LF;
        else if (byte === LF) throw new FramingError("a trailer is malformed");
        return;
      case State.TRAILER_LF:
        if (byte !== LF) throw new FramingError("a trailer is malformed");
        this.state = State.TRAILER;
        return;
      default:
        if (byte !== LF) throw new FramingError("the end of the body is malformed");
        this.state = State.END;
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
