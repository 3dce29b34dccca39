/** Arguments of a request, converted as the Python agent converts them. */
import { JsonKind, type JsonValue } from "../json/value.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { isFloat, stringRepr } from "./python.ts";

/** An argument of a wrong type or value; the text is that of the exception that Python raises. */
export class ArgumentError extends Error {}

/** As many as Python converts, sys.int_info.default_max_str_digits. */
const MAX_DIGITS = 4300;

function typeName(value: JsonValue): string {
  if (value.kind === JsonKind.number && isFloat(value)) return "float";
  // In the order of JsonKind.
  return ["NoneType", "bool", "int", "str", "list", "dict"].at(value.kind) ?? "";
}

/** Python's `not value`, also for a key that is absent. */
export function isFalsy(value: JsonValue | undefined): boolean {
  if (value === undefined) return true;
  switch (value.kind) {
    case JsonKind.string:
      return value.asString() === "";
    case JsonKind.number:
      return value.asNumber() === 0;
    case JsonKind.bool:
      return value.asBool() === false;
    case JsonKind.array:
      return value.items().length === 0;
    case JsonKind.object:
      return value.entries().size === 0;
    default:
      return true;
  }
}

/** A command or path. Throws ArgumentError for another type, or a NUL inside, which no system call can take. */
export function toText(value: JsonValue): string {
  const text = value.asString();
  if (text === undefined) throw new ArgumentError(`expected str, bytes or os.PathLike object, not ${typeName(value)}`);
  if (text.includes("\0")) throw new ArgumentError("embedded null byte");
  return text;
}

/** `float(value)`. */
export function toFloat(value: JsonValue): number {
  const number = value.asNumber() ?? (value.kind === JsonKind.bool ? Number(value.asBool()) : undefined);
  if (number !== undefined) return number;
  const text = value.asString();
  if (text === undefined) {
    throw new ArgumentError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
  }
  const parsed = parseNumber(text, `${DIGITS}+-.eE`);
  if (Number.isNaN(parsed)) throw new ArgumentError(`could not convert string to float: ${stringRepr(text)}`);
  return parsed;
}

/** `int(value)`: a float is truncated, a numeric string accepted. */
export function toInteger(value: JsonValue): number {
  const number = value.asNumber();
  if (number !== undefined) {
    if (!Number.isFinite(number) && isFloat(value)) throw new ArgumentError("cannot convert float infinity to integer");
    return Math.trunc(number);
  }
  if (value.kind === JsonKind.bool) return Number(value.asBool());
  const text = value.asString();
  if (text === undefined) {
    const wanted = "a string, a bytes-like object or a real number";
    throw new ArgumentError(`int() argument must be ${wanted}, not '${typeName(value)}'`);
  }
  const parsed = parseNumber(text, `${DIGITS}+-`);
  if (Number.isNaN(parsed)) throw new ArgumentError(`invalid literal for int() with base 10: ${stringRepr(text)}`);
  return parsed;
}

/** The members of an object. Throws ArgumentError for another type. */
export function toMembers(value: JsonValue): Map<string, JsonValue> {
  if (value.kind !== JsonKind.object) throw new ArgumentError(`'${typeName(value)}' object has no attribute 'items'`);
  return value.entries();
}

/** The number that a text of an alphabet spells, white space around it allowed; NaN where it spells none. */
function parseNumber(text: string, alphabet: string): number {
  const digits = text.trim();
  return consistsOf(digits, alphabet, MAX_DIGITS) ? Number(digits) : NaN;
}
