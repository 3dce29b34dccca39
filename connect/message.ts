/** A message that was received: its binary encoding, in which what is asked for is looked up. */
import { Output } from "../json/output.ts";
import { decodeText } from "../sys/bytes.ts";
import type { MessageType } from "./schema.ts";
import { FieldReader } from "./wire.ts";

const NONE = new Uint8Array(0);

/** A value of a field: its bytes, or a number. */
class Place {
  readonly start: number;
  readonly stop: number;
  readonly low: number;
  readonly high: number;

  constructor(reader: FieldReader) {
    this.start = reader.start;
    this.stop = reader.stop;
    this.low = reader.low;
    this.high = reader.high;
  }
}

/**
 * A view of bytes that have been checked. Fields are named by their numbers, and absent ones have their default. What is
 * there more than once counts as protobuf says: the last of scalars, the last member of a oneof, messages merged.
 */
export class Message {
  private readonly type: MessageType | undefined;
  /** Where its encoding is: bytes [start, end). */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;

  /** Of bytes [start, end), which remain the caller's: `checkMessage` has found them to be of the type. */
  constructor(type: MessageType | undefined, bytes: Uint8Array, start: number, end: number) {
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  has(number: number): boolean {
    return this.places(number).length > 0;
  }

  /** A uint32 or an enum. */
  number(number: number): number {
    return this.places(number).at(-1)?.low ?? 0;
  }

  bool(number: number): boolean {
    const place = this.places(number).at(-1);
    return place !== undefined && (place.low !== 0 || place.high !== 0);
  }

  text(number: number): string {
    const data = this.data(number);
    return decodeText(data, 0, data.length);
  }

  /** A repeated string. */
  texts(number: number): string[] {
    const texts: string[] = [];
    for (const place of this.places(number)) texts.push(decodeText(this.bytes, place.start, place.stop));
    return texts;
  }

  /** A view of the bytes that the message is in. */
  data(number: number): Uint8Array {
    const place = this.places(number).at(-1);
    return place === undefined ? NONE : this.bytes.subarray(place.start, place.stop);
  }

  /** A message in this one; an empty one where there is none. */
  message(number: number): Message {
    const type = this.type?.numbered(number)?.type;
    const places = this.places(number);
    const first = places.at(0);
    if (first === undefined) return new Message(type, NONE, 0, 0);
    if (places.length === 1) return new Message(type, this.bytes, first.start, first.stop);
    // Messages are merged by writing one behind the other.
    const merged = new Output(new Uint8Array(64), 0);
    for (const place of places) merged.write(this.bytes, place.start, place.stop);
    return new Message(type, merged.bytes, 0, merged.size);
  }

  /** A map of strings. */
  map(number: number): Map<string, string> {
    const map = new Map<string, string>();
    const type = this.type?.numbered(number)?.type;
    for (const place of this.places(number)) {
      const entry = new Message(type, this.bytes, place.start, place.stop);
      map.set(entry.text(1), entry.text(2));
    }
    return map;
  }

  /** Every value of a field, in order. */
  private places(number: number): Place[] {
    const places: Place[] = [];
    const type = this.type;
    const wanted = type?.numbered(number);
    if (type === undefined || wanted === undefined) return places;
    const reader = new FieldReader(this.bytes, this.start, this.end);
    while (reader.next()) {
      const field = type.numbered(reader.number);
      if (field === undefined || field.wire !== reader.wire) continue;
      if (field === wanted) places.push(new Place(reader));
      else if (field.isOneof && wanted.isOneof) places.length = 0;
    }
    return places;
  }
}
