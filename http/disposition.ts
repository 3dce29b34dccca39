/** Content-Disposition in HTTP, RFC 6266. */
import { fileBytes, HEX_DIGITS } from "../sys/bytes.ts";
import { Ascii } from "./ascii.ts";
import { isMimeTokenByte, parseParameters } from "./parameters.ts";

/** What a token may have but an extended value may not, RFC 5987 section 3.2.1. */
const NOT_EXTENDED = "*'%";

/**
 * The value of Content-Disposition for a file that is shown: its name as a token, in quotes, or, where it has a control
 * character or is not ASCII, encoded. Nothing in a name gets out of it.
 */
export function inlineDisposition(name: string): string {
  const bytes = fileBytes(name);
  let isToken = bytes.length > 0;
  let isQuotable = true;
  for (const byte of bytes) {
    if (!isMimeTokenByte(byte)) isToken = false;
    if ((byte < Ascii.space && byte !== Ascii.tab) || byte >= Ascii.delete) isQuotable = false;
  }
  if (isToken) return `inline; filename=${name}`;
  return isQuotable ? `inline; filename="${quoted(name)}"` : `inline; filename*=utf-8''${encoded(bytes)}`;
}

/** A text with backslashes before quotes and backslashes. */
function quoted(text: string): string {
  return text.split("\\").join("\\\\").split("\"").join("\\\"");
}

function encoded(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    const isPlain = isMimeTokenByte(byte) && !NOT_EXTENDED.includes(char);
    out += isPlain ? char : `%${HEX_DIGITS.charAt(upper(byte >> 4))}${HEX_DIGITS.charAt(upper(byte & 15))}`;
  }
  return out;
}

/** Where the digit of a value is among HEX_DIGITS, which end in the capital letters. */
function upper(value: number): number {
  return value > 9 ? value + 6 : value;
}

/** What a part of a form is. */
export class FormField {
  /** The field's name. */
  readonly name: string;
  /** The name of the file, whole, with the directories in it; empty where it has none. */
  readonly fileName: string;

  constructor(name: string, fileName: string) {
    this.name = name;
    this.fileName = fileName;
  }
}

/**
 * Reads the Content-Disposition of a part of a form, RFC 7578 section 4.2: both names empty where it is none. Percent
 * sequences in a plain or quoted name stay as they are.
 */
export function formField(header: string): FormField {
  const parameters = parseParameters(header);
  const fileName = parameters?.get("filename") ?? "";
  return new FormField(parameters?.value === "form-data" ? parameters.get("name") ?? "" : "", fileName);
}
