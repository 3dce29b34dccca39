/** Message types as tables, which both codecs go by. */
import { Byte } from "../json/byte.ts";
import { encodeText } from "../sys/bytes.ts";

/** What a field holds. */
export const enum Kind {
  STRING,
  BYTES,
  BOOL,
  UINT32,
  /** Zigzag. */
  SINT32,
  INT64,
  /** google.protobuf.Timestamp. */
  TIMESTAMP,
  /** map<string, string>. */
  MAP,
  ENUM,
  MESSAGE,
}

/** The words of a schema for kinds, in the order of Kind. Any other word is the name of a type. */
const WORDS = ["string", "bytes", "bool", "uint32", "sint32", "int64", "timestamp", "map"];

/** What every schema has: a map is a list of messages, a timestamp is one. */
const BUILT_IN = "map key=1:string value=2:string\ntimestamp seconds=1:int64 nanos=2:uint32\n";

/** Wire types of the binary encoding. */
export const enum Wire {
  VARINT,
  FIXED64,
  LENGTH,
  GROUP,
  END_GROUP,
  FIXED32,
}

const UNDERSCORE = 0x5f;
const TO_UPPER = -0x20;

/** A field of a message, or a value of an enum. */
export class Field {
  readonly number: number;
  /** The name, in UTF-8. */
  readonly name: Uint8Array;
  /** The name in JSON, in quotes and with the colon. */
  readonly key: Uint8Array;
  readonly isRepeated: boolean;
  /** Whether it belongs to the message's oneof: a message has one at the most. */
  readonly isOneof: boolean;
  /** The type's word in the schema; empty for a value of an enum. */
  readonly word: string;
  kind: Kind;
  /** What the word names, where that is no scalar. */
  type: MessageType | undefined;

  /** Of a schema's `name=number:word`, the word followed by `*` where it is repeated, by `|` in a oneof. */
  constructor(text: string) {
    const equals = text.indexOf("=");
    const colon = text.indexOf(":");
    const isMarked = text.endsWith("*") || text.endsWith("|");
    this.name = encodeText(text.slice(0, equals));
    this.key = jsonKey(this.name);
    this.number = Number(text.slice(equals + 1, colon < 0 ? text.length : colon));
    this.word = colon < 0 ? "" : text.slice(colon + 1, isMarked ? -1 : text.length);
    const index = WORDS.indexOf(this.word);
    this.kind = index < 0 ? Kind.MESSAGE : index;
    this.isOneof = text.endsWith("|");
    this.isRepeated = text.endsWith("*") || this.kind === Kind.MAP;
  }

  /** The wire type that a value has. */
  get wire(): Wire {
    switch (this.kind) {
      case Kind.BOOL:
      case Kind.UINT32:
      case Kind.SINT32:
      case Kind.INT64:
      case Kind.ENUM:
        return Wire.VARINT;
      default:
        return Wire.LENGTH;
    }
  }
}

/** The name in lowerCamelCase, in quotes and with a colon. */
function jsonKey(name: Uint8Array): Uint8Array {
  const key = new Uint8Array(name.length + 3);
  let size = 1;
  let shift = 0;
  for (const byte of name) {
    if (byte === UNDERSCORE) {
      shift = TO_UPPER;
      continue;
    }
    key[size++] = byte + shift;
    shift = 0;
  }
  key[0] = Byte.quote;
  key[size] = Byte.quote;
  key[size + 1] = Byte.colon;
  return key.subarray(0, size + 2);
}

/** A message type with its fields, or an enum with its values. */
export class MessageType {
  readonly name: string;
  readonly fields: Field[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The field of a number, or the value. */
  numbered(number: number): Field | undefined {
    for (const field of this.fields) if (field.number === number) return field;
    return undefined;
  }

  /** The field whose name, or JSON name, bytes [start, end) are; or the value. */
  named(bytes: Uint8Array, start: number, end: number): Field | undefined {
    const length = end - start;
    for (const field of this.fields) {
      const { name, key } = field;
      if (name.length === length && matches(bytes, start, name, 0, length)) return field;
      if (key.length === length + 3 && matches(bytes, start, key, 1, length)) return field;
    }
    return undefined;
  }
}

function matches(bytes: Uint8Array, start: number, text: Uint8Array, from: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[from + i]) return false;
  return true;
}

/**
 * The types of a service: a line for each, its name and then its fields as `name=number:word`, or its values as
 * `name=number`. The words are `string bytes bool uint32 sint32 int64`, `timestamp` for google.protobuf.Timestamp, `map`
 * for map<string, string>, and the names of types; one with `*` behind it is repeated, with `|` a member of the message's
 * one oneof. Whether presence is explicit does not matter here: what is written is present.
 */
export class Schema {
  private readonly text: string;
  private types: MessageType[] = [];

  /** Costs nothing until a type is asked for. */
  constructor(text: string) {
    this.text = text;
  }

  /** A type, which exists. */
  type(name: string): MessageType {
    if (this.types.length === 0) this.parse();
    for (const type of this.types) if (type.name === name) return type;
    throw new Error(`no type ${name}`);
  }

  /** Gives up the types until one is asked for; who has one keeps it. */
  forget(): void {
    if (this.types.length > 0) this.types = [];
  }

  private parse(): void {
    for (const line of (BUILT_IN + this.text).split("\n")) {
      const words = line.trim().split(" ");
      const type = new MessageType(words.at(0) ?? "");
      this.types.push(type);
      for (const word of words.slice(1)) type.fields.push(new Field(word));
    }
    for (const type of this.types) {
      for (const field of type.fields) {
        if (field.kind < Kind.TIMESTAMP || field.word === "") continue;
        const target = this.type(field.word);
        field.type = target;
        if (target.fields.at(0)?.word === "") field.kind = Kind.ENUM;
      }
    }
  }
}
