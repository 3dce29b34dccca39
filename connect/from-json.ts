/** Messages read from proto3 JSON: turned into the binary encoding; envd-rpc.md 1.5. */
import { Byte } from "../json/byte.ts";
import { JsonError } from "../json/error.ts";
import { parseJson } from "../json/parse.ts";
import type { JsonTable } from "../json/table.ts";
import { JsonValue } from "../json/value.ts";
import { decodedLength, decodeDigits, digitsEnd } from "../sys/base64.ts";
import { consistsOf, decodeText } from "../sys/bytes.ts";
import { invalid } from "./error.ts";
import { Message } from "./message.ts";
import { type Field, Kind, type MessageType } from "./schema.ts";
import { MessageWriter } from "./writer.ts";

const WORD = 0x100000000;

/** The message of a type that the JSON text in bytes [start, end) is. Throws RpcError where it is none. */
export function messageFromJson(type: MessageType, bytes: Uint8Array, start: number, end: number): Message {
  const writer = new MessageWriter();
  try {
    const value = parseJson(bytes, start, end);
    readMessage(writer, type, value.table, value.row);
  } catch (error) {
    if (error instanceof JsonError) throw invalid(error.message);
    throw error;
  }
  return new Message(type, writer.bytes, 0, writer.size);
}

/** The types that JSON has are as deep as those of the schema: the recursion is bounded. */
function readMessage(writer: MessageWriter, type: MessageType, table: JsonTable, row: number): void {
  if (table.mark(row) !== Byte.openObject) throw invalid("not an object");
  const end = table.stop(row);
  const seen: Field[] = [];
  for (let name = row + 1; name < end; name = table.next(name + 1)) {
    const field = type.named(table.bytes, table.start(name) + 1, table.stop(name));
    // null is the same as absent.
    if (field === undefined || table.mark(name + 1) === Byte.n) continue;
    for (const other of seen) {
      if (other === field || (other.isOneof && field.isOneof)) throw misfit(field);
    }
    seen.push(field);
    if (field.kind === Kind.MAP) readMap(writer, field, table, name + 1);
    else if (field.isRepeated) readList(writer, field, table, name + 1);
    else readValue(writer, field, table, name + 1);
  }
}

function readList(writer: MessageWriter, field: Field, table: JsonTable, row: number): void {
  if (table.mark(row) !== Byte.openArray) throw misfit(field);
  const end = table.stop(row);
  for (let element = row + 1; element < end; element = table.next(element)) readValue(writer, field, table, element);
}

function readMap(writer: MessageWriter, field: Field, table: JsonTable, row: number): void {
  if (table.mark(row) !== Byte.openObject) throw misfit(field);
  const end = table.stop(row);
  for (let name = row + 1; name < end; name = table.next(name + 1)) {
    const mark = writer.open(field.number);
    readText(writer, 1, field, table, name);
    readText(writer, 2, field, table, name + 1);
    writer.close(mark);
  }
}

function readText(writer: MessageWriter, number: number, field: Field, table: JsonTable, row: number): void {
  if (table.mark(row) !== Byte.quote) throw misfit(field);
  writer.presentData(number, table.bytes, table.start(row) + 1, table.stop(row));
}

function readValue(writer: MessageWriter, field: Field, table: JsonTable, row: number): void {
  const { number, type } = field;
  switch (field.kind) {
    case Kind.STRING:
      return readText(writer, number, field, table, row);
    case Kind.BYTES:
      return readBytes(writer, field, table, row);
    case Kind.BOOL: {
      const value = new JsonValue(table, row).asBool();
      if (value === undefined) throw misfit(field);
      return writer.presentVarint(number, value ? 1 : 0, 0);
    }
    case Kind.UINT32:
      return writer.presentVarint(number, integer(field, table, row, 0, WORD - 1), 0);
    case Kind.ENUM:
      return readEnum(writer, field, table, row);
    case Kind.MESSAGE: {
      if (type === undefined) return;
      const mark = writer.open(number);
      readMessage(writer, type, table, row);
      return writer.close(mark);
    }
    default:
      // What no request has: the kinds that only answers are made of.
      throw misfit(field);
  }
}

/** A name that the enum does not have leaves the field unset. */
function readEnum(writer: MessageWriter, field: Field, table: JsonTable, row: number): void {
  if (table.mark(row) === Byte.quote) {
    const value = field.type?.named(table.bytes, table.start(row) + 1, table.stop(row));
    if (value !== undefined) writer.presentVarint(field.number, value.number, 0);
    return;
  }
  writer.presentVarint(field.number, integer(field, table, row, -WORD / 2, WORD / 2 - 1) >>> 0, 0);
}

function readBytes(writer: MessageWriter, field: Field, table: JsonTable, row: number): void {
  if (table.mark(row) !== Byte.quote) throw misfit(field);
  const start = table.start(row) + 1;
  const end = digitsEnd(table.bytes, start, table.stop(row));
  const length = decodedLength(end - start);
  writer.header(field.number, length);
  writer.reserve(length);
  if (!decodeDigits(table.bytes, start, end, writer.bytes, writer.size)) throw misfit(field);
  writer.size += length;
}

/** A whole number in these bounds, as a number or, of other kinds than enums, in a string. */
function integer(field: Field, table: JsonTable, row: number, min: number, max: number): number {
  const value = new JsonValue(table, row);
  const text = value.asString() ?? value.text;
  const number = consistsOf(text, "0123456789.eE+-", 24) ? Number(text) : NaN;
  if (!Number.isInteger(number) || number < min || number > max) throw misfit(field);
  return number;
}

function misfit(field: Field): Error {
  return invalid(`a value that does not fit the field ${decodeText(field.name, 0, field.name.length)}`);
}
