/** The header section of a part of a multipart body; RFC 2046 section 5.1, RFC 5322 section 2.2. */
import { fileText } from "../sys/bytes.ts";
import { indexOfByte } from "../sys/search.ts";
import { Ascii, isWord } from "./ascii.ts";
import { isBlank, Pieces } from "./pieces.ts";

/** The headers of a part, of which nothing is read before it is asked for. */
export class PartHeaders {
  private readonly block: Uint8Array;

  /** Of a block of lines, each with its end, which the object owns from now on. A line that starts blank continues the one before. */
  constructor(block: Uint8Array) {
    this.block = block;
    unfold(block);
  }

  /** The first value of a header, whose name is given in lower case; bytes that are no UTF-8 are as in `fileText`. */
  get(name: string): string | undefined {
    const lines = new Pieces(this.block, 0, this.block.length, Ascii.lineFeed);
    while (lines.next()) {
      const colon = indexOfByte(this.block, lines.start, lines.stop, Ascii.colon);
      if (colon < 0) continue;
      let stop = colon;
      while (stop > lines.start && isBlank(this.block[stop - 1] ?? 0)) stop -= 1;
      if (!isWord(this.block, lines.start, stop, name)) continue;
      const value = new Pieces(this.block, colon + 1, lines.stop, Ascii.lineFeed);
      value.next();
      return fileText(this.block, value.start, value.stop);
    }
    return undefined;
  }

  /** Whether every line is a header. */
  get isWellFormed(): boolean {
    const lines = new Pieces(this.block, 0, this.block.length, Ascii.lineFeed);
    while (lines.next()) {
      if (lines.start < lines.stop && indexOfByte(this.block, lines.start + 1, lines.stop, Ascii.colon) < 0) return false;
    }
    return true;
  }
}

/** Puts spaces in place of carriage returns, which then are white space at the ends of lines, and of folds. */
function unfold(block: Uint8Array): void {
  for (let i = 0; i < block.length; i++) {
    if (block[i] === Ascii.carriageReturn) block[i] = Ascii.space;
    const next = i + 1 < block.length ? block[i + 1] ?? 0 : 0;
    if (block[i] === Ascii.lineFeed && isBlank(next)) block[i] = Ascii.space;
  }
}
