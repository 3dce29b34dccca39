/** Messages of a stream as they go over the wire: each in an envelope, and that in a chunk; envd-rpc.md 2.5. */
import { putEnvelope, Flag } from "../../connect/envelope.ts";
import type { MessageType } from "../../connect/schema.ts";
import { printMessage } from "../../connect/to-json.ts";
import type { MessageWriter } from "../../connect/writer.ts";
import { chunkEnd, chunkStart } from "../../http/chunk.ts";
import { Output } from "../../json/output.ts";

/** Room before a message for its envelope and the start of its chunk. */
export const FRAME_ROOM = 24;
/** Room behind a message for the end of its chunk. */
export const FRAME_TAIL = 2;
/** What an entry of a queue costs beside the bytes of its frame, about. */
const ENTRY_BYTES = 128;

/** A message in its envelope and its chunk. Its bytes never change once somebody has it. */
export class Frame {
  readonly bytes: Uint8Array;
  /** The chunk is bytes [start, end), the envelope in it bytes [inner, innerEnd). */
  readonly start: number;
  readonly end: number;
  readonly inner: number;
  readonly innerEnd: number;

  private constructor(bytes: Uint8Array, start: number, inner: number, innerEnd: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.inner = inner;
    this.innerEnd = innerEnd;
    this.end = end;
  }

  /** Around the message in bytes [from, to), with FRAME_ROOM before and FRAME_TAIL behind it. It owns the array. */
  static around(bytes: Uint8Array, from: number, to: number): Frame {
    const inner = putEnvelope(bytes, from, to, Flag.NONE);
    return new Frame(bytes, chunkStart(bytes, inner, to), inner, to, chunkEnd(bytes, to));
  }

  /** Of a whole message of a type, in a codec. */
  static of(writer: MessageWriter, type: MessageType, isJson: boolean): Frame {
    const out = new Output(new Uint8Array(FRAME_ROOM + FRAME_TAIL + writer.size), FRAME_ROOM);
    if (isJson) printMessage(out, type, writer.bytes, 0, writer.size);
    else out.write(writer.bytes, 0, writer.size);
    out.reserve(FRAME_TAIL);
    return Frame.around(out.bytes, FRAME_ROOM, out.size);
  }

  /** Bytes of the chunk. */
  get length(): number {
    return this.end - this.start;
  }

  /** What it costs to keep it. */
  get cost(): number {
    return this.end - this.start + ENTRY_BYTES;
  }

  /** The same without a chunk around it. */
  bare(): Frame {
    return new Frame(this.bytes, this.inner, this.inner, this.innerEnd, this.innerEnd);
  }

  /** Whether it wastes less than half of its array. */
  get isCompact(): boolean {
    return (this.end - this.start) * 2 >= this.bytes.length;
  }

  /** The same in an array of its own. */
  copy(): Frame {
    const start = this.start;
    return new Frame(this.bytes.slice(start, this.end), 0, this.inner - start, this.innerEnd - start, this.end - start);
  }
}
