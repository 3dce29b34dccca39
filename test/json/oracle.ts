import { parseJson } from "../../json/parse.ts";
import { JsonKind, type JsonValue } from "../../json/value.ts";

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

export function parseText(json: string): JsonValue {
  const bytes = utf8(json);
  return parseJson(bytes, 0, bytes.length);
}

/** What JSON.parse would have made of the value. */
export function plain(value: JsonValue): unknown {
  switch (value.kind) {
    case JsonKind.null: return null;
    case JsonKind.bool: return value.asBool();
    case JsonKind.number: return value.asNumber();
    case JsonKind.string: return value.asString();
    case JsonKind.array: return value.items().map(plain);
    case JsonKind.object: {
      const members: Record<string, unknown> = {};
      for (const [key, member] of value.entries()) {
        // An assignment to __proto__ would set the prototype.
        Object.defineProperty(members, key, { value: plain(member), enumerable: true, configurable: true, writable: true });
      }
      return members;
    }
  }
}

/** A plain value with every unpaired surrogate, in keys too, replaced by U+FFFD. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return text(utf8(value));
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  const members: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    Object.defineProperty(members, text(utf8(key)), { value: wellFormed(member), enumerable: true, configurable: true, writable: true });
  }
  return members;
}
