/**
 * Values with parameters: Content-Type and Content-Disposition. RFC 2045 section 5.1 and RFC 2183, with the encoded and
 * continued parameters of RFC 2231; where browsers do otherwise, read as Go's mime.ParseMediaType reads them.
 */
import { fileBytes, fileText } from "../sys/bytes.ts";
import { Ascii, isWord, lowerText } from "./ascii.ts";
import { percentDecode } from "./percent.ts";

/** What RFC 2045 calls tspecials. */
const SPECIALS = "()<>@,;:\\\"/[]?=";
/** How many parameters a value may have. */
const MAX_PARAMETERS = 64;

function isSpecial(byte: number): boolean {
  return SPECIALS.includes(String.fromCharCode(byte));
}

/** Whether a byte may be in a token, RFC 2045 section 5.1: ASCII that is printed, but no space and no special. */
export function isMimeTokenByte(byte: number): boolean {
  return byte > Ascii.space && byte < Ascii.delete && !isSpecial(byte);
}

/** A value in lower case, and its parameters. */
export class Parameters {
  /** What stands before the parameters, in lower case: `multipart/form-data`. */
  readonly value: string;
  private readonly names: string[] = [];
  private readonly texts: string[] = [];

  constructor(value: string) {
    this.value = value;
  }

  /** Adds a parameter; false where the name has another value already. */
  add(name: string, text: string): boolean {
    const known = this.plain(name);
    if (known !== undefined) return known === text;
    this.names.push(name);
    this.texts.push(text);
    return this.names.length <= MAX_PARAMETERS;
  }

  /** The text of a parameter, whose name is given in lower case: of an encoded or continued one before a plain one. */
  get(name: string): string | undefined {
    const encoded = this.plain(`${name}*`);
    if (encoded !== undefined) return extendedText(encoded) ?? this.plain(name);
    return this.continued(name) ?? this.plain(name);
  }

  private plain(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.texts.at(index);
  }

  /** What `name*0`, `name*1` and so on are together, RFC 2231 section 3; those that end in another `*` are encoded. */
  private continued(name: string): string | undefined {
    let whole: string | undefined;
    for (let number = 0; number < MAX_PARAMETERS; number++) {
      const simple = this.plain(`${name}*${number}`);
      const encoded = this.plain(`${name}*${number}*`);
      if (simple === undefined && encoded === undefined) break;
      const piece = simple ?? (number === 0 ? extendedText(encoded ?? "") : percentText(encoded ?? ""));
      whole = `${whole ?? ""}${piece ?? ""}`;
    }
    // A character may be spread over pieces.
    const bytes = fileBytes(whole ?? "");
    return whole === undefined ? undefined : fileText(bytes, 0, bytes.length);
  }
}

/** The text of an extended value, RFC 5987 section 3.2: `utf-8'en'%c3%bc`. Undefined where it is in another charset. */
function extendedText(value: string): string | undefined {
  const parts = value.split("'");
  const charset = fileBytes(parts.at(0) ?? "");
  const isKnown = isWord(charset, 0, charset.length, "utf-8") || isWord(charset, 0, charset.length, "us-ascii");
  return isKnown && parts.length > 2 ? percentText(parts.slice(2).join("'")) : undefined;
}

function percentText(text: string): string | undefined {
  const bytes = fileBytes(text);
  const out = percentDecode(bytes, 0, bytes.length, Ascii.plus);
  return out === undefined ? undefined : fileText(out, 0, out.length);
}

/** Reads one value: what is left to read starts at `at`. */
class Reader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** The next byte, -1 at the end. */
  private peek(): number {
    return this.isAtEnd ? -1 : this.bytes[this.at] ?? 0;
  }

  skipSpace(): void {
    while (this.peek() === Ascii.space || (this.peek() >= Ascii.tab && this.peek() <= Ascii.carriageReturn)) this.at += 1;
  }

  /** Takes one byte, after white space, if it is next. */
  takes(byte: number): boolean {
    this.skipSpace();
    if (this.peek() !== byte) return false;
    this.at += 1;
    return true;
  }

  /** A token, empty where there is none. */
  token(): string {
    const start = this.at;
    while (isMimeTokenByte(this.peek())) this.at += 1;
    return fileText(this.bytes, start, this.at);
  }

  /** A token in lower case. */
  name(): string {
    const start = this.at;
    this.token();
    return lowerText(this.bytes, start, this.at);
  }

  /** A token or a quoted string; undefined where there is neither. */
  text(): string | undefined {
    if (this.peek() !== Ascii.quote) {
      const token = this.token();
      return token === "" ? undefined : token;
    }
    const out = new Uint8Array(this.bytes.length - this.at);
    let size = 0;
    for (this.at += 1; this.peek() !== Ascii.quote; this.at += 1) {
      let byte = this.peek();
      if (byte < 0 || byte === Ascii.lineFeed || byte === Ascii.carriageReturn) return undefined;
      // Nobody escapes what needs no escape, but some browsers send the path of a file as it is: C:\dev\go.
      if (byte === Ascii.backslash && this.at + 1 < this.bytes.length && isSpecial(this.bytes[this.at + 1] ?? 0)) {
        this.at += 1;
        byte = this.peek();
      }
      out[size] = byte;
      size += 1;
    }
    this.at += 1;
    return fileText(out, 0, size);
  }
}

/**
 * Reads a header value with parameters; undefined where it is malformed, names a parameter twice with different values
 * or has more than 64. Bytes that are no UTF-8 are as in `fileText`, here and in the result.
 */
export function parseParameters(header: string): Parameters | undefined {
  const reader = new Reader(fileBytes(header));
  reader.skipSpace();
  let value = reader.name();
  if (value === "") return undefined;
  if (reader.takes(0x2f)) {
    const subtype = reader.name();
    if (subtype === "") return undefined;
    value = `${value}/${subtype}`;
  }
  const parameters = new Parameters(value);
  for (reader.skipSpace(); !reader.isAtEnd; reader.skipSpace()) {
    if (!reader.takes(Ascii.semicolon)) return undefined;
    reader.skipSpace();
    if (reader.isAtEnd) break;
    const name = reader.name();
    if (name === "" || !reader.takes(Ascii.equals)) return undefined;
    reader.skipSpace();
    const text = reader.text();
    if (text === undefined || !parameters.add(name, text)) return undefined;
  }
  return parameters;
}
