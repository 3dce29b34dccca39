/**
 * The head of a request: request line and fields; RFC 9112 sections 2 to 6. Parsed in place from bytes that hold all of
 * it, strictly: what two parsers could read in two ways is refused.
 */
import { decodeText, fileText } from "../sys/bytes.ts";
import { indexOfByte } from "../sys/search.ts";
import { isWord, lowerText } from "./ascii.ts";
import { targetEnd, tokenEnd, valueEnd } from "./grammar.ts";
import { Status } from "./status.ts";

/** Fields that a head may have. */
const MAX_FIELDS = 4096;
const FIRST_FIELDS = 32;
/** Words of a field's place: start and end of its name, start and end of its value. */
const PLACE_WORDS = 4;
/** Largest content length: what a double holds exactly. */
const MAX_LENGTH_DIGITS = 15;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COMMA = 44;
const DOT = 46;
const SLASH = 47;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const QUESTION = 63;

/** The request cannot be served: the status to refuse it with. The connection ends. */
export class HeadError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The head is not whole yet. */
export const MORE = -1;

/** Finds where a head ends in bytes that come little by little. */
export class HeadScanner {
  /** How far it has looked, and where the line begins that it is in. */
  private at = 0;
  private line = 0;

  reset(): void {
    this.at = 0;
    this.line = 0;
  }

  /**
   * The end of the head in bytes [0, end), which the array holds, behind its empty line; MORE where it is not there yet. Empty lines before the
   * request line count as a part of it. Throws HeadError for a line that does not end in CR LF.
   */
  scan(bytes: Uint8Array, end: number): number {
    let line = this.line;
    let hasRequestLine = line > 0 && !(bytes[0] === CR && line === 2);
    for (let at = this.at; ; ) {
      const feed = indexOfByte(bytes, at, end, LF);
      if (feed < 0) break;
      if (feed === line || bytes[feed - 1] !== CR) throw new HeadError(Status.BAD_REQUEST, "a line ends without CR LF");
      const isEmpty = feed - line === 1;
      line = feed + 1;
      at = line;
      if (isEmpty && hasRequestLine) return line;
      if (!isEmpty) hasRequestLine = true;
      // One empty line may come first; RFC 9112 section 2.2.
      else if (line > 2) throw new HeadError(Status.BAD_REQUEST, "no request line");
    }
    this.at = end;
    this.line = line;
    return MORE;
  }
}

/**
 * A parsed head. It is only lent: its bytes are those that it was parsed from, and the next request on any connection
 * takes its place. What is to be kept is asked for while the request is handled.
 */
export class RequestHead {
  private bytes: Uint8Array = new Uint8Array(0);
  private places: Uint32Array = new Uint32Array(FIRST_FIELDS * PLACE_WORDS);
  private count = 0;
  private methodEnd = 0;
  private start = 0;
  private pathStart = 0;
  private pathEnd = 0;
  private queryEnd = 0;
  /** Bytes of the body; -1 where it is chunked, 0 where there is none. */
  contentLength = 0;
  isChunked = false;
  isHttp10 = false;
  /** Whether the connection may serve another request. */
  keepsAlive = true;
  /** Whether the client waits for a word before it sends the body. */
  expectsContinue = false;

  get method(): string {
    return decodeText(this.bytes, this.start, this.methodEnd);
  }

  /** The path as it was sent, not decoded, without the query. Bytes that are no UTF-8 are as in `fileText`. */
  get path(): string {
    return fileText(this.bytes, this.pathStart, this.pathEnd);
  }

  /** The query as it was sent, likewise, without its question mark; empty where there is none. */
  get query(): string {
    return this.queryEnd === this.pathEnd ? "" : fileText(this.bytes, this.pathEnd + 1, this.queryEnd);
  }

  get hasBody(): boolean {
    return this.isChunked || this.contentLength > 0;
  }

  get fieldCount(): number {
    return this.count;
  }

  /** The name of a field by its number, below `fieldCount`; in lower case. */
  fieldName(index: number): string {
    return lowerText(this.bytes, this.word(index, 0), this.word(index, 1));
  }

  fieldValue(index: number): string {
    return decodeText(this.bytes, this.word(index, 2), this.word(index, 3));
  }

  /** The value of the first field of a name, which is given in lower case; undefined where there is none. */
  field(name: string): string | undefined {
    for (let index = 0; index < this.count; index++) {
      if (this.isNamed(index, name)) return this.fieldValue(index);
    }
    return undefined;
  }

  /** The values of all fields of a name, joined as a list; RFC 9110 section 5.3. Undefined where there is none. */
  list(name: string): string | undefined {
    const values: string[] = [];
    for (let index = 0; index < this.count; index++) {
      if (this.isNamed(index, name)) values.push(this.fieldValue(index));
    }
    return values.length === 0 ? undefined : values.join(", ");
  }

  /** Parses the head in bytes [0, end), which a HeadScanner has found. Throws HeadError. */
  parse(bytes: Uint8Array, end: number): void {
    if (end > bytes.length) throw new RangeError("the head is not there");
    this.bytes = bytes;
    this.count = 0;
    this.contentLength = 0;
    this.isChunked = false;
    this.isHttp10 = false;
    this.keepsAlive = true;
    this.expectsContinue = false;
    let at = this.parseRequestLine(bytes, bytes[0] === CR && bytes[1] === LF ? 2 : 0, end);
    while (bytes[at] !== CR) at = this.parseField(bytes, at, end);
    if (at + 2 !== end) throw malformed();
    this.applyFields();
  }

  /** Forgets the bytes that were lent. */
  release(): void {
    this.bytes = new Uint8Array(0);
    this.count = 0;
  }

  private word(index: number, which: number): number {
    return this.places[index * PLACE_WORDS + which] ?? 0;
  }

  private isNamed(index: number, name: string): boolean {
    return isWord(this.bytes, this.word(index, 0), this.word(index, 1), name);
  }

  /** Whether a value is a word, which is given in lower case, in any case. */
  private hasValue(index: number, word: string): boolean {
    return isWord(this.bytes, this.word(index, 2), this.word(index, 3), word);
  }

  /** Whether the Connection fields have an option, which is given in lower case; RFC 9110 section 7.6.1. */
  private hasOption(option: string): boolean {
    for (let index = 0; index < this.count; index++) {
      if (!this.isNamed(index, "connection")) continue;
      const bytes = this.bytes;
      const end = this.word(index, 3);
      let at = this.word(index, 2);
      while (at < end) {
        const start = at;
        while (at < end && bytes[at] !== COMMA) at++;
        let from = start;
        let to = at++;
        while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
        while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
        if (isWord(bytes, from, to, option)) return true;
      }
    }
    return false;
  }

  /** Returns where the line after it begins. */
  private parseRequestLine(bytes: Uint8Array, start: number, end: number): number {
    let at = tokenEnd(bytes, start, end);
    this.start = start;
    this.methodEnd = at;
    if (at === start || bytes[at] !== SPACE) throw malformed();
    const target = ++at;
    at = targetEnd(bytes, at, end);
    if (at === target || bytes[at] !== SPACE) throw malformed();
    this.parseTarget(bytes, target, at);
    at++;
    if (at + 10 > bytes.length || !isWord(bytes, at, at + 5, "http/") || bytes[at + 6] !== DOT) throw malformed();
    const major = bytes[at + 5] ?? 0;
    const minor = bytes[at + 7] ?? 0;
    if (bytes[at + 8] !== CR || bytes[at + 9] !== LF || major < ZERO || major > NINE || minor < ZERO || minor > NINE) throw malformed();
    if (major !== ZERO + 1) throw new HeadError(Status.VERSION_NOT_SUPPORTED, "only HTTP/1.1 is spoken here");
    this.isHttp10 = minor === ZERO;
    return at + 10;
  }

  /** Origin form, absolute form (whose authority is passed over), or anything else, as a path of its own. */
  private parseTarget(bytes: Uint8Array, start: number, end: number): void {
    let path = start;
    if (bytes[start] !== SLASH) {
      if (isWord(bytes, start, Math.min(start + 7, end), "http://")) path = start + 7;
      else if (isWord(bytes, start, Math.min(start + 8, end), "https://")) path = start + 8;
      if (path !== start) while (path < end && bytes[path] !== SLASH && bytes[path] !== QUESTION) path++;
    }
    let query = path;
    while (query < end && bytes[query] !== QUESTION) query++;
    this.pathStart = path;
    this.pathEnd = query;
    this.queryEnd = end;
  }

  /** Returns where the line after it begins. */
  private parseField(bytes: Uint8Array, start: number, end: number): number {
    let at = tokenEnd(bytes, start, end);
    // No white space before the colon, no folded line: both have been read in two ways; RFC 9112 sections 5.1 and 5.2.
    if (at === start || bytes[at] !== COLON) throw malformed();
    const nameEnd = at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const value = at;
    at = valueEnd(bytes, at, end);
    if (bytes[at] !== CR || at + 2 > end || bytes[at + 1] !== LF) throw malformed();
    let last = at;
    while (last > value && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--;
    this.addField(start, nameEnd, value, last);
    return at + 2;
  }

  private addField(name: number, nameEnd: number, value: number, valueEnd: number): void {
    if (this.count === MAX_FIELDS) throw new HeadError(Status.HEAD_TOO_LARGE, `more than ${MAX_FIELDS} fields`);
    const at = this.count * PLACE_WORDS;
    if (at + PLACE_WORDS > this.places.length) {
      const more = new Uint32Array(this.places.length * 4);
      more.set(this.places, 0);
      this.places = more;
    }
    this.places[at] = name;
    this.places[at + 1] = nameEnd;
    this.places[at + 2] = value;
    this.places[at + 3] = valueEnd;
    this.count++;
  }

  /** What the fields say of the message itself. */
  private applyFields(): void {
    let hosts = 0;
    let hasLength = false;
    for (let index = 0; index < this.count; index++) {
      switch (this.word(index, 1) - this.word(index, 0)) {
        case 4:
          if (this.isNamed(index, "host")) hosts++;
          break;
        case 6:
          if (this.isNamed(index, "expect")) this.applyExpect(index);
          break;
        case 14:
          if (!this.isNamed(index, "content-length")) break;
          this.applyLength(this.fieldValue(index), hasLength);
          hasLength = true;
          break;
        case 17:
          if (this.isNamed(index, "transfer-encoding")) this.applyTransferEncoding(index);
          break;
        default:
      }
    }
    if (this.isChunked && (hasLength || this.isHttp10)) {
      throw new HeadError(Status.BAD_REQUEST, "Transfer-Encoding beside Content-Length or in HTTP/1.0");
    }
    if (this.isChunked) this.contentLength = -1;
    if (hosts !== 1 && (hosts > 1 || !this.isHttp10)) throw new HeadError(Status.BAD_REQUEST, "one Host field is needed");
    this.keepsAlive = !this.hasOption("close") && (!this.isHttp10 || this.hasOption("keep-alive"));
  }

  private applyExpect(index: number): void {
    if (!this.hasValue(index, "100-continue")) throw new HeadError(Status.EXPECTATION_FAILED, "an unknown Expect");
    this.expectsContinue = !this.isHttp10;
  }

  private applyLength(value: string, isRepeated: boolean): void {
    let length = value.length === 0 || value.length > MAX_LENGTH_DIGITS ? Number.NaN : 0;
    for (let i = 0; i < value.length; i++) {
      const digit = value.charCodeAt(i);
      length = digit < ZERO || digit > NINE ? Number.NaN : length * 10 + digit - ZERO;
    }
    if (Number.isNaN(length)) throw new HeadError(Status.BAD_REQUEST, "a Content-Length that is no number");
    if (isRepeated && length !== this.contentLength) throw new HeadError(Status.BAD_REQUEST, "two Content-Lengths");
    this.contentLength = length;
  }

  private applyTransferEncoding(index: number): void {
    if (this.isChunked) throw new HeadError(Status.BAD_REQUEST, "two Transfer-Encodings");
    if (!this.hasValue(index, "chunked")) throw new HeadError(Status.NOT_IMPLEMENTED, "a Transfer-Encoding other than chunked");
    this.isChunked = true;
  }
}

function malformed(): HeadError {
  return new HeadError(Status.BAD_REQUEST, "malformed request");
}
