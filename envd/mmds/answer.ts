/** An answer of the metadata service, read by its length, as the service keeps the connection; lifecycle.md 4.1, RFC 9112. */
import { isWord } from "../../http/ascii.ts";
import { consistsOf, decodeText, DIGITS } from "../../sys/bytes.ts";
import { indexOfByte } from "../../sys/search.ts";

/** Bytes that an answer may have, its head with them. */
export const MAX_ANSWER_BYTES = 65_536;
/** Of a status line with no reason: `HTTP/1.1 200`. */
const STATUS_BYTES = 12;
const LENGTH_DIGITS = 8;

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/** An answer that is refused: no HTTP/1, larger than is taken, or of a length that is not told before it. */
export class AnswerError extends Error {}

export class Answer {
  /** 0 while the status line is not there. */
  status = 0;
  /** Where the body lies; 0 while the head is not whole. */
  bodyStart = 0;
  bodyEnd = 0;
  private contentLength = -1;
  /** Where the line begins that has not come whole. */
  private line = 0;

  /**
   * Looks at bytes [0, end), which the array holds, and which begin with those of the call before. Returns whether the
   * answer is whole. Throws AnswerError.
   */
  take(bytes: Uint8Array, end: number): boolean {
    while (this.bodyStart === 0) {
      const start = this.line;
      const feed = indexOfByte(bytes, start, end, LF);
      if (feed < 0) return false;
      const stop = feed > start && bytes[feed - 1] === CR ? feed - 1 : feed;
      this.line = feed + 1;
      if (this.status === 0) this.readStatus(bytes, start, stop);
      else if (stop > start) this.readField(bytes, start, stop);
      else this.bodyStart = this.line;
    }
    // Without a length there is no body: where it ended, only the end of the connection would tell.
    this.bodyEnd = this.bodyStart + Math.max(this.contentLength, 0);
    if (this.bodyEnd > MAX_ANSWER_BYTES) throw new AnswerError("too large");
    return end >= this.bodyEnd;
  }

  private readStatus(bytes: Uint8Array, start: number, stop: number): void {
    const text = decodeText(bytes, start, Math.min(stop, start + STATUS_BYTES));
    const isEnded = stop === start + STATUS_BYTES || (stop > start + STATUS_BYTES && bytes[start + STATUS_BYTES] === SPACE);
    const status = text.slice(9);
    if (!isEnded || !(text.startsWith("HTTP/1.0 ") || text.startsWith("HTTP/1.1 ")) || !consistsOf(status, DIGITS, 3)) {
      throw new AnswerError("no HTTP/1");
    }
    this.status = Number(status);
    // Nothing was asked that has a word before its answer.
    if (this.status < 200) throw new AnswerError("no final answer");
  }

  private readField(bytes: Uint8Array, start: number, stop: number): void {
    const colon = indexOfByte(bytes, start, stop, COLON);
    if (colon < 0 || isWord(bytes, start, colon, "transfer-encoding")) throw new AnswerError("a field that is not taken");
    if (!isWord(bytes, start, colon, "content-length")) return;
    const digits = decodeText(bytes, colon + 1, stop).trim();
    const length = consistsOf(digits, DIGITS, LENGTH_DIGITS) ? Number(digits) : Infinity;
    if (length > MAX_ANSWER_BYTES || (this.contentLength >= 0 && length !== this.contentLength)) throw new AnswerError("no length that is taken");
    this.contentLength = length;
  }
}
