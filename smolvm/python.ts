/** Values and errors as CPython prints them: hosts of the protocol match on these texts. */
import { hex } from "../sys/bytes.ts";
import { errnoText, type SysError } from "../sys/errno.ts";
import { JsonKind, type JsonValue } from "../json/value.ts";

/** `str()` of the OSError that the failed call is in Python. */
export function osErrorText(error: SysError): string {
  let text = `[Errno ${error.errno}] ${errnoText(error.errno)}`;
  if (error.path !== "") text += `: ${stringRepr(error.path)}`;
  if (error.target !== "") text += ` -> ${stringRepr(error.target)}`;
  return text;
}

/** `str(value)` of a parsed JSON value: a string is itself, anything else its repr. */
export function pythonText(value: JsonValue): string {
  return value.asString() ?? pythonRepr(value);
}

/** `repr(value)` of a parsed JSON value. Its depth is bounded by the parser's. */
export function pythonRepr(value: JsonValue): string {
  switch (value.kind) {
    case JsonKind.string:
      return stringRepr(value.asString() ?? "");
    case JsonKind.number:
      return isFloat(value) ? floatRepr(Number(value.text)) : integerRepr(value.text);
    case JsonKind.bool:
      return value.asBool() === true ? "True" : "False";
    case JsonKind.array: {
      const parts: string[] = [];
      for (const item of value.items()) parts.push(pythonRepr(item));
      return `[${parts.join(", ")}]`;
    }
    case JsonKind.object: {
      const parts: string[] = [];
      for (const [key, member] of value.entries()) parts.push(`${stringRepr(key)}: ${pythonRepr(member)}`);
      return `{${parts.join(", ")}}`;
    }
    default:
      return "None";
  }
}

/** Whether Python reads a number as a float, not as an int. */
export function isFloat(value: JsonValue): boolean {
  const text = value.text;
  return text.includes(".") || text.includes("e") || text.includes("E");
}

/** Integers have no negative zero. */
function integerRepr(text: string): string {
  return text === "-0" ? "0" : text;
}

/** `repr(float)`: the shortest digits that read back the same, with an exponent below -4 and from 16 on. */
export function floatRepr(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : value < 0 ? "-inf" : "nan";
  const sign = value < 0 || (value === 0 && 1 / value < 0) ? "-" : "";
  // JavaScript prints the same digits, with other rules for where the point goes.
  const parts = `${Math.abs(value)}`.split("e");
  const mantissa = parts.at(0) ?? "0";
  const point = mantissa.includes(".") ? mantissa.indexOf(".") : mantissa.length;
  const all = mantissa.split(".").join("");
  let digits = all;
  while (digits.length > 1 && digits.startsWith("0")) digits = digits.slice(1);
  const exponent = digits === "0" ? 0 : Number(parts.at(1) ?? "0") + point - 1 - (all.length - digits.length);
  while (digits.length > 1 && digits.endsWith("0")) digits = digits.slice(0, digits.length - 1);
  if (exponent < -4 || exponent >= 16) {
    const power = `${Math.abs(exponent)}`.padStart(2, "0");
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits.slice(0, 1)}${fraction}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}.${fraction === "" ? "0" : fraction}`;
}

/** `repr(str)`. Of the characters beyond Latin-1 only the invisible ones that a log should not carry are escaped. */
export function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = quote;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === quote || char === "\\") out += `\\${char}`;
    else if (char === "\n") out += "\\n";
    else if (char === "\r") out += "\\r";
    else if (char === "\t") out += "\\t";
    else if (isPrintable(code)) out += char;
    else if (code < 0x100) out += `\\x${hex(code, 2)}`;
    else if (code < 0x10000) out += `\\u${hex(code, 4)}`;
    else out += `\\U${hex(code, 8)}`;
  }
  return out + quote;
}

/** What `str.isprintable` says, but for rarely assigned planes: controls, separators, formats, private use are not. */
function isPrintable(code: number): boolean {
  if (code < 0xad) return code >= 0x20 && (code < 0x7f || code > 0xa0);
  if (code >= 0x2000 && code <= 0x206f) return (code > 0x200f && code < 0x2028) || (code > 0x202f && code < 0x205f);
  return code !== 0xad && code !== 0x3000 && code !== 0xfeff && !(code >= 0xe000 && code <= 0xf8ff) && code < 0xe0000;
}
