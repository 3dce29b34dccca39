/** Which content coding a response gets; RFC 9110 section 12.5.3. */
import { decodeText, encodeText } from "../sys/bytes.ts";
import { Ascii, isWord } from "./ascii.ts";
import { Pieces } from "./pieces.ts";

export const enum Coding {
  IDENTITY,
  GZIP,
  /** Nothing that there is will do: 406. */
  NONE,
}

/** What an Accept-Encoding header asks for. */
export class AcceptedCodings {
  /** The coding to use, where both will do for the server. */
  readonly choice: Coding;
  /** Whether the content as it is will not do. */
  readonly isIdentityRefused: boolean;

  constructor(choice: Coding, isIdentityRefused: boolean) {
    this.choice = choice;
    this.isIdentityRefused = isIdentityRefused;
  }
}

/**
 * Reads an Accept-Encoding header, in one pass. The item with the greatest weight wins, the first of equals; `*` is
 * identity where that will do. A weight that is no number is 1. An empty text, or an absent header, takes anything.
 */
export function acceptedCodings(header: string): AcceptedCodings {
  const bytes = encodeText(header);
  const items = new Pieces(bytes, 0, bytes.length, Ascii.comma);
  let best = "";
  let bestWeight = -Infinity;
  let isIdentityZero = false;
  let isIdentityWanted = false;
  let isAnyZero = false;
  while (items.next()) {
    const parts = new Pieces(bytes, items.start, items.stop, Ascii.semicolon);
    parts.next();
    const name = isWord(bytes, parts.start, parts.stop, "gzip") ? "gzip"
      : isWord(bytes, parts.start, parts.stop, "identity") ? "identity"
      : isWord(bytes, parts.start, parts.stop, "*") ? "*"
      : "";
    if (name === "") continue;
    const weight = weightOf(bytes, parts);
    if (name === "identity" && weight === 0) isIdentityZero = true;
    if (name === "identity" && weight > 0) isIdentityWanted = true;
    if (name === "*" && weight === 0) isAnyZero = true;
    if (weight === 0 || weight <= bestWeight) continue;
    best = name;
    bestWeight = weight;
  }
  const isRefused = isIdentityZero || (isAnyZero && !isIdentityWanted);
  const isGzip = best === "gzip" || (best === "*" && isRefused);
  return new AcceptedCodings(isGzip ? Coding.GZIP : isRefused && best === "" ? Coding.NONE : Coding.IDENTITY, isRefused);
}

/** The weight among an item's parameters: what the last `q` says. */
function weightOf(bytes: Uint8Array, parts: Pieces): number {
  let weight = 1;
  while (parts.next()) {
    const { start, stop } = parts;
    if (!isWord(bytes, start, Math.min(start + 2, stop), "q=")) continue;
    const text = decodeText(bytes, start + 2, stop);
    const value = Number(text);
    weight = text === "" || Number.isNaN(value) ? 1 : value;
  }
  return weight;
}
