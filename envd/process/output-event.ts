/** A piece of a process's output as an event: encoded once for each codec, and shared by all who get it. */
import { varintBytes } from "../../connect/writer.ts";
import { base64Length, encodeBase64 } from "../../sys/base64.ts";
import { BufferPool } from "../../sys/buffers.ts";
import { encodeText } from "../../sys/bytes.ts";
import type { Loop } from "../../sys/loop.ts";
import { Frame, FRAME_ROOM, FRAME_TAIL } from "./frame.ts";

/** Where a piece of output comes from: the number of its field in DataEvent. */
export const enum Origin {
  STDOUT = 1,
  STDERR = 2,
  PTY = 3,
}

/** The most bytes of a piece from a pipe, and from a terminal. */
export const PIPE_BYTES = 32_768;
export const TERMINAL_BYTES = 16_384;

const NAMES = ["", "stdout", "stderr", "pty"];
const WIRE_LENGTH = 2;
const RESPONSE_EVENT = 8 + WIRE_LENGTH;
const EVENT_DATA = 2 * 8 + WIRE_LENGTH;
/** Tags and lengths of a response, an event in it, and data in that. */
const HEADER_ROOM = 12;
/** Where the bytes of a piece are in their array. */
export const DATA_START = FRAME_ROOM + HEADER_ROOM;
const BINARY_BYTES = DATA_START + PIPE_BYTES + FRAME_TAIL;
/** `{"event":{"data":{"stdout":"` and `"}}}`. */
const TEXT_ROOM = 64;
const TAIL = encodeText('"}}}');

/** Makes the events. It keeps an array for each codec while there is output, and none without. */
export class OutputEvents {
  private readonly binary = new BufferPool(BINARY_BYTES);
  private readonly text = new BufferPool(FRAME_ROOM + TEXT_ROOM + base64Length(PIPE_BYTES, true) + FRAME_TAIL);

  constructor(loop: Loop) {
    loop.addIdler(this.binary);
    loop.addIdler(this.text);
  }

  /** An array for a piece of output, at DATA_START; it goes back with `give`, or with the event that is made of it. */
  take(): Uint8Array {
    return this.binary.take();
  }

  give(bytes: Uint8Array): void {
    this.binary.give(bytes);
  }

  takeText(): Uint8Array {
    return this.text.take();
  }

  giveText(bytes: Uint8Array): void {
    this.text.give(bytes);
  }
}

export class OutputEvent {
  private readonly events: OutputEvents;
  private readonly origin: Origin;
  private readonly data: Uint8Array;
  private readonly end: number;
  private binary: Frame | undefined;
  private text: Frame | undefined;
  private keptBinary: Frame | undefined;
  private keptText: Frame | undefined;

  /** Of the data from DATA_START to `end` of an array from `events`. */
  constructor(events: OutputEvents, origin: Origin, data: Uint8Array, end: number) {
    this.events = events;
    this.origin = origin;
    this.data = data;
    this.end = end;
  }

  /** The event in a codec. Its bytes are good until `release`. */
  frame(isJson: boolean): Frame {
    if (!isJson) {
      const binary = this.binary ?? this.encode();
      this.binary = binary;
      return binary;
    }
    const text = this.text ?? this.print();
    this.text = text;
    return text;
  }

  /** The event in a codec, to be kept: the same for all who keep it. */
  keep(isJson: boolean): Frame {
    const earlier = isJson ? this.keptText : this.keptBinary;
    if (earlier !== undefined) return earlier;
    const frame = this.frame(isJson);
    // A line of output is not to hold an array of 32 kB.
    const kept = frame.isCompact ? frame : frame.copy();
    if (isJson) this.keptText = kept;
    else this.keptBinary = kept;
    return kept;
  }

  /** All who get the event have it: what nobody keeps goes back. */
  release(): void {
    const text = this.text;
    if (text !== undefined && this.keptText !== text) this.events.giveText(text.bytes);
    if (this.keptBinary === undefined || this.keptBinary !== this.binary) this.events.give(this.data);
  }

  private encode(): Frame {
    const count = this.end - DATA_START;
    let at = before(this.data, DATA_START, this.origin * 8 + WIRE_LENGTH, count);
    at = before(this.data, at, EVENT_DATA, this.end - at);
    at = before(this.data, at, RESPONSE_EVENT, this.end - at);
    return Frame.around(this.data, at, this.end);
  }

  private print(): Frame {
    const bytes = this.events.takeText();
    const head = encodeText(`{"event":{"data":{"${NAMES.at(this.origin) ?? ""}":"`);
    bytes.set(head, FRAME_ROOM);
    let at = FRAME_ROOM + head.length;
    at += encodeBase64(this.data, DATA_START, this.end, bytes, at, true);
    bytes.set(TAIL, at);
    return Frame.around(bytes, FRAME_ROOM, at + TAIL.length);
  }
}

/** Writes a tag and a length so that they end at `end`. Returns where they begin. */
function before(bytes: Uint8Array, end: number, tag: number, length: number): number {
  let at = end - varintBytes(length);
  const start = at - 1;
  bytes[start] = tag;
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at] = rest;
  return start;
}
