/** A message that was received: its binary encoding, in which what is asked for is looked up. */
import { Output } from "../json/output.ts";
import { decodeText } from "../sys/bytes.ts";
import type { MessageType } from "./schema.ts";
import { FieldReader } from "./wire.ts";

const NONE = new Uint8Array(0);

/**
 * A view of bytes that have been checked. Fields are named by their numbers, and absent ones have their default. What is
 * there more than once counts as protobuf says: the last of scalars, the last member of a oneof, messages merged.
 */
export class Message {
  private readonly type: MessageType | undefined;
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;
  /** The words of the last varint that `places` has found. */
  private low = 0;
  private high = 0;

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
    return this.has(number) ? this.low : 0;
  }

  bool(number: number): boolean {
    return this.has(number) && (this.low !== 0 || this.high !== 0);
  }

  text(number: number): string {
    return this.texts(number).at(-1) ?? "";
  }

  /** A repeated string. */
  texts(number: number): string[] {
    const places = this.places(number);
    const texts: string[] = [];
    for (let i = 0; i + 1 < places.length; i += 2) texts.push(decodeText(this.bytes, places[i] ?? 0, places[i + 1] ?? 0));
    return texts;
  }

  /** A view of the bytes that the message is in. */
  data(number: number): Uint8Array {
    const places = this.places(number);
    return places.length === 0 ? NONE : this.bytes.subarray(places.at(-2), places.at(-1));
  }

  /** A message in this one; an empty one where there is none. */
  message(number: number): Message {
    const type = this.type?.numbered(number)?.type;
    const places = this.places(number);
    if (places.length <= 2) return new Message(type, this.bytes, places.at(0) ?? 0, places.at(1) ?? 0);
    // Messages are merged by writing one behind the other.
    const merged = new Output(new Uint8Array(64), 0);
    for (let i = 0; i + 1 < places.length; i += 2) merged.write(this.bytes, places[i] ?? 0, places[i + 1] ?? 0);
    return new Message(type, merged.bytes, 0, merged.size);
  }

  /** A map of strings. */
  map(number: number): Map<string, string> {
    const map = new Map<string, string>();
    const type = this.type?.numbered(number)?.type;
    const places = this.places(number);
    for (let i = 0; i + 1 < places.length; i += 2) {
      const entry = new Message(type, this.bytes, places[i] ?? 0, places[i + 1] ?? 0);
      map.set(entry.text(1), entry.text(2));
    }
    return map;
  }

  /** Start and end of every value of a field, in order. */
  private places(number: number): number[] {
    const places: number[] = [];
    const type = this.type;
    const wanted = type?.numbered(number);
    if (type === undefined || wanted === undefined) return places;
    const reader = new FieldReader(this.bytes, this.start, this.end);
    while (reader.next()) {
      const field = type.numbered(reader.number);
      if (field === undefined || field.wire !== reader.wire) continue;
      if (field === wanted) {
        places.push(reader.start, reader.stop);
        this.low = reader.low;
        this.high = reader.high;
      } else if (field.isOneof && wanted.isOneof) {
        places.length = 0;
      }
    }
    return places;
  }
}
