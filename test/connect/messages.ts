// Messages in and out of mote's codecs, as plain values; arbitrary ones for properties.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { messageFromJson } from "../../connect/from-json.ts";
import { Message } from "../../connect/message.ts";
import { printMessage } from "../../connect/to-json.ts";
import { checkMessage } from "../../connect/wire.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { Output } from "../../json/output.ts";
import { oracle } from "./schema.ts";
import { schema } from "./types.ts";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The message that some bytes are, or the error that mote has for them. */
export function decode(type: string, bytes: Uint8Array): Message {
  checkMessage(schema.type(type), bytes, 0, bytes.length);
  return new Message(schema.type(type), bytes, 0, bytes.length);
}

export function decodeJson(type: string, text: string | Uint8Array): Message {
  const bytes = typeof text === "string" ? utf8(text) : text;
  return messageFromJson(schema.type(type), bytes, 0, bytes.length);
}

export function json(type: string, bytes: Uint8Array): string {
  const out = new Output(new Uint8Array(8), 0);
  printMessage(out, schema.type(type), bytes, 0, bytes.length);
  return new TextDecoder().decode(out.bytes.subarray(0, out.size));
}

export function written(write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter();
  write(writer);
  return writer.bytes.slice(0, writer.size);
}

export interface Leaf { data: Uint8Array<ArrayBuffer>; isSet: boolean }
export interface Inner { name: string; count: number; leaf?: Leaf }
export interface Moment { seconds: bigint; nanos: number }
export interface All {
  text: string;
  rawBytes: Uint8Array<ArrayBuffer>;
  isOn: boolean;
  count: number;
  exitCode: number;
  size: bigint;
  modifiedTime?: Moment;
  labels: Record<string, string>;
  color: number;
  inner?: Inner;
  args: string[];
  inners: Inner[];
  maybe?: string;
  nothing?: object;
  far: number;
}

// Strings of JSON are Unicode: no lone surrogates.
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));
const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
const int32 = fc.oneof(fc.constantFrom(0, -1, -(2 ** 31), 2 ** 31 - 1), fc.integer());
const int64 = fc.oneof(fc.constantFrom(0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 10n ** 16n - 1n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
// What RFC 3339 has years for.
const moment = fc.record({ seconds: fc.bigInt({ min: -62135596800n, max: 253402300799n }), nanos: fc.oneof(fc.constantFrom(0, 500_000_000, 1000), fc.nat(999_999_999)) });
const leaf = fc.record({ data, isSet: fc.boolean() });
const inner = fc.record({ name: text, count: uint32, leaf }, { requiredKeys: ["name", "count"], noNullPrototype: true });

export const all: fc.Arbitrary<All> = fc.record({
  text,
  rawBytes: data,
  isOn: fc.boolean(),
  count: uint32,
  exitCode: int32,
  size: int64,
  modifiedTime: moment,
  labels: fc.dictionary(text.filter((key) => key !== "__proto__"), text, { maxKeys: 4, noNullPrototype: true }),
  color: fc.constantFrom(0, 1, 9, 7, -1),
  inner,
  args: fc.array(text, { maxLength: 5 }),
  inners: fc.array(inner, { maxLength: 3 }),
  maybe: text,
  nothing: fc.constant({}),
  far: uint32,
}, { requiredKeys: ["text", "rawBytes", "isOn", "count", "exitCode", "size", "labels", "color", "args", "inners", "far"], noNullPrototype: true });

export function plain(value: All) {
  return create(oracle("All"), { ...value });
}

function writeInner(writer: MessageWriter, number: number, value: Inner): void {
  const mark = writer.open(number);
  writer.text(1, value.name);
  writer.uint32(2, value.count);
  if (value.leaf !== undefined) {
    const leafMark = writer.open(3);
    if (value.leaf.data.length > 0) writer.presentData(1, value.leaf.data, 0, value.leaf.data.length);
    writer.bool(2, value.leaf.isSet);
    writer.close(leafMark);
  }
  writer.close(mark);
}

/** As a service would write it. */
export function write(value: All): Uint8Array {
  return written((writer) => {
    writer.text(1, value.text);
    if (value.rawBytes.length > 0) writer.presentData(2, value.rawBytes, 0, value.rawBytes.length);
    writer.bool(3, value.isOn);
    writer.uint32(4, value.count);
    writer.sint32(5, value.exitCode);
    writer.int64(6, Number(value.size & 0xffffffffn), Number((value.size >> 32n) & 0xffffffffn));
    if (value.modifiedTime !== undefined) writer.timestamp(7, Number(value.modifiedTime.seconds), value.modifiedTime.nanos);
    for (const [key, label] of Object.entries(value.labels)) writer.entry(8, key, label);
    if (value.color < 0) writer.presentVarint(9, value.color >>> 0, 0xffffffff);
    else writer.uint32(9, value.color);
    if (value.inner !== undefined) writeInner(writer, 10, value.inner);
    for (const argument of value.args) writer.presentText(11, argument);
    for (const element of value.inners) writeInner(writer, 12, element);
    if (value.maybe !== undefined) writer.presentText(13, value.maybe);
    if (value.nothing !== undefined) writer.close(writer.open(14));
    writer.uint32(2000, value.far);
  });
}

function readInner(message: Message): Inner {
  const leaf = message.message(3);
  return {
    name: message.text(1),
    count: message.number(2),
    ...(message.has(3) ? { leaf: { data: Uint8Array.from(leaf.data(1)), isSet: leaf.bool(2) } } : {}),
  };
}

/** What a service can read of it: requests have no signed and no 64-bit integers, no timestamps and no lists of messages. */
export function read(message: Message) {
  return {
    text: message.text(1),
    rawBytes: Uint8Array.from(message.data(2)),
    isOn: message.bool(3),
    count: message.number(4),
    labels: Object.fromEntries(message.map(8)),
    color: message.number(9) | 0,
    ...(message.has(10) ? { inner: readInner(message.message(10)) } : {}),
    args: message.texts(11),
    ...(message.has(13) ? { maybe: message.text(13) } : {}),
    ...(message.has(14) ? { nothing: {} } : {}),
    far: message.number(2000),
  };
}

export function readable(value: All) {
  const { exitCode: _exitCode, size: _size, modifiedTime: _modifiedTime, inners: _inners, ...rest } = value;
  return rest;
}
