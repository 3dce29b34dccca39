/**
 * Multipart bodies, RFC 2046 section 5.1 and RFC 7578, read as they come in: what a part holds goes on as spans of the
 * bytes that were pushed, and nothing is kept but one part's headers.
 */
import { encodeText, fileBytes } from "../sys/bytes.ts";
import { indexOfByte, indexOfBytes } from "../sys/search.ts";
import { Ascii } from "./ascii.ts";
import { PartHeaders } from "./part-headers.ts";
import { isBlank } from "./pieces.ts";

/** How many bytes the headers of a part may have. */
const MAX_HEADERS = 65_536;
/** How long a boundary may be; RFC 2046 allows 70. */
const MAX_BOUNDARY = 16_384;

/** A body that is no multipart body. */
export class MultipartError extends Error {}

/** What is done with the parts. What it throws ends the push. */
export abstract class MultipartHandler {
  /** A part begins. */
  abstract onPart(headers: PartHeaders): void;
  /** Takes bytes [start, end) of the part, which stay the parser's, and returns how many. Fewer than all pause it. */
  abstract onData(bytes: Uint8Array, start: number, end: number): number;
  /** The part is complete. */
  abstract onPartEnd(): void;
}

const enum State {
  /** Before the first delimiter. */
  PREAMBLE,
  /** In the content of a part. */
  DATA,
  /** After a delimiter, on its line. */
  DELIMITER,
  /** After the carriage return that ends the line. */
  LINE_END,
  HEADERS,
  /** After the last delimiter, likewise. */
  CLOSE,
  CLOSE_LINE_END,
  EPILOGUE,
}

/** Reads one body. */
export class MultipartParser {
  private readonly handler: MultipartHandler;
  /** A delimiter, CRLF and two hyphens and the boundary; and the last one, which has two hyphens more. */
  private readonly delimiter: Uint8Array;
  private readonly close: Uint8Array;
  private state = State.PREAMBLE;
  private isPaused = false;
  /**
   * How many bytes of `close` have been read last. Only its first is a carriage return: when the next byte does not match,
   * they are data, all of them. At the start of a body and of a part's content the CRLF counts as read, but is no data.
   */
  private matched = 2;
  /** How many of these are no data, or passed on as data already. */
  private passed = 2;
  /** Whether they have turned out to be data. */
  private isMismatch = false;
  /** How many of the bytes to come are known to be data: what the handler has not taken. */
  private clean = 0;
  /** The headers of a part as far as they have come, and where their last line starts. */
  private block: Uint8Array = new Uint8Array(0);
  private blockSize = 0;
  private lineStart = 0;

  /** Throws MultipartError for what cannot be a boundary: empty, longer than 16 kB, with a control character. */
  constructor(boundary: string, handler: MultipartHandler) {
    const bytes = fileBytes(boundary);
    if (bytes.length === 0) throw new MultipartError("boundary is empty");
    if (bytes.length > MAX_BOUNDARY) throw new MultipartError("boundary is too long");
    for (const byte of bytes) {
      if (byte < Ascii.space) throw new MultipartError("boundary has a control character");
    }
    this.handler = handler;
    this.close = new Uint8Array(bytes.length + 6);
    this.close.set(encodeText("\r\n--"), 0);
    this.close.set(bytes, 4);
    this.close.set(encodeText("--"), bytes.length + 4);
    this.delimiter = this.close.subarray(0, bytes.length + 4);
  }

  /**
   * Reads bytes [start, end) and returns how many it is done with: all, or fewer where the handler took fewer. Push then
   * from there on when the handler is ready. Throws MultipartError where the body is malformed; nothing may be pushed
   * after that.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    this.isPaused = false;
    while (!this.isPaused && (at < end || this.isMismatch)) at = this.step(bytes, at, end);
    return at - start;
  }

  /** The body has ended, and all of it has been pushed. Throws MultipartError where its last delimiter has not come. */
  end(): void {
    if (this.state < State.CLOSE) throw new MultipartError("unexpected end of the body");
  }

  private step(bytes: Uint8Array, at: number, end: number): number {
    switch (this.state) {
      case State.PREAMBLE:
      case State.DATA: return this.readContent(bytes, at, end);
      case State.HEADERS: return this.readHeaders(bytes, at, end);
      case State.EPILOGUE: return end;
      default: return this.readLineEnd(bytes, at);
    }
  }

  private readContent(bytes: Uint8Array, at: number, end: number): number {
    if (this.isMismatch) {
      this.passed += this.pass(this.close, this.passed, this.matched);
      if (this.isPaused) return at;
      this.isMismatch = false;
      this.matched = 0;
      this.passed = 0;
    }
    if (this.matched > 0) return this.matchDelimiter(bytes, at, end);
    if (this.clean === 0) this.clean = this.findDelimiter(bytes, at, end) - at;
    if (this.clean === 0) return this.matchDelimiter(bytes, at, end);
    const taken = this.pass(bytes, at, Math.min(at + this.clean, end));
    this.clean -= taken;
    return at + taken;
  }

  /** Passes data on; returns how much has been taken. */
  private pass(bytes: Uint8Array, start: number, end: number): number {
    if (this.state === State.PREAMBLE || start >= end) return end - start;
    const taken = this.handler.onData(bytes, start, end);
    this.isPaused = taken < end - start;
    return taken;
  }

  /** Where in [at, end) a delimiter is, or what may become one; `end` where all is data. */
  private findDelimiter(bytes: Uint8Array, at: number, end: number): number {
    const length = this.delimiter.length;
    for (let from = at; ; from += length) {
      from = indexOfBytes(bytes, from, end, this.delimiter);
      if (from < 0) break;
      if (mayEndDelimiter(bytes, from + length, end)) return from;
    }
    for (let from = Math.max(at, end - length + 1); ; from++) {
      from = indexOfByte(bytes, from, end, Ascii.carriageReturn);
      if (from < 0) return end;
      let same = 1;
      while (from + same < end && bytes[from + same] === this.delimiter[same]) same += 1;
      if (from + same === end) return from;
    }
  }

  /** Goes on with a delimiter of which `matched` bytes have come. */
  private matchDelimiter(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (this.matched === this.delimiter.length && isLineSpace(byte)) {
        this.endPart(State.DELIMITER);
        return at;
      }
      if (byte !== this.close[this.matched]) {
        this.isMismatch = true;
        return at;
      }
      this.matched += 1;
      if (this.matched === this.close.length) {
        this.endPart(State.CLOSE);
        return at + 1;
      }
    }
    return end;
  }

  private endPart(next: State): void {
    const isPart = this.state === State.DATA;
    this.state = next;
    if (isPart) this.handler.onPartEnd();
  }

  /** Reads a byte of what is left of a delimiter's line: white space and its end. */
  private readLineEnd(bytes: Uint8Array, at: number): number {
    const byte = bytes[at] ?? 0;
    const isAfterReturn = this.state === State.LINE_END || this.state === State.CLOSE_LINE_END;
    if (byte === Ascii.carriageReturn && !isAfterReturn) this.state = this.state === State.CLOSE ? State.CLOSE_LINE_END : State.LINE_END;
    else if (byte === Ascii.lineFeed && isAfterReturn) this.state = this.state === State.LINE_END ? State.HEADERS : State.EPILOGUE;
    else if (!isBlank(byte) || isAfterReturn) throw new MultipartError("unexpected text after a boundary");
    return at + 1;
  }

  private readHeaders(bytes: Uint8Array, at: number, end: number): number {
    const found = indexOfByte(bytes, at, end, Ascii.lineFeed);
    const stop = found < 0 ? end : found + 1;
    this.keep(bytes, at, stop);
    if (found < 0) return stop;
    const length = this.blockSize - this.lineStart;
    if (length > 2 || (length === 2 && this.block[this.lineStart] !== Ascii.carriageReturn)) {
      this.lineStart = this.blockSize;
      return stop;
    }
    const headers = new PartHeaders(this.block.slice(0, this.lineStart));
    if (!headers.isWellFormed) throw new MultipartError("malformed header of a part");
    this.block = new Uint8Array(0);
    this.blockSize = 0;
    this.lineStart = 0;
    this.state = State.DATA;
    this.matched = 2;
    this.passed = 2;
    this.handler.onPart(headers);
    return stop;
  }

  /** Adds bytes [start, end) to the headers. */
  private keep(bytes: Uint8Array, start: number, end: number): void {
    const size = this.blockSize + end - start;
    if (size > MAX_HEADERS) throw new MultipartError("headers of a part are too long");
    if (size > this.block.length) {
      const more = new Uint8Array(Math.max(size, this.block.length * 2));
      more.set(this.block, 0);
      this.block = more;
    }
    this.block.set(bytes.subarray(start, end), this.blockSize);
    this.blockSize = size;
  }
}

/** Whether what comes after a boundary, as far as it has come, leaves that one. Else it is data that begins like one. */
function mayEndDelimiter(bytes: Uint8Array, at: number, end: number): boolean {
  if (at === end || isLineSpace(bytes[at] ?? 0)) return true;
  return bytes[at] === Ascii.minus && (at + 1 === end || bytes[at + 1] === Ascii.minus);
}

function isLineSpace(byte: number): boolean {
  return isBlank(byte) || byte === Ascii.carriageReturn || byte === Ascii.lineFeed;
}
