/** The answer to a call that is one long list: put together message by message, and without moving what is there. */
import { Byte } from "../json/byte.ts";
import type { Output } from "../json/output.ts";
import { encodeText } from "../sys/bytes.ts";
import type { Call } from "./call.ts";
import { internal } from "./error.ts";
import type { Field, MessageType } from "./schema.ts";
import { printMessage } from "./to-json.ts";
import { MessageWriter } from "./writer.ts";

const BLOCK_BYTES = 65536;
/** What bounds the memory that it takes. */
const SIZE_MAX = 256 * 1024 * 1024;
const END = encodeText("]}");
const EMPTY = encodeText("{}");

/** A message whose only content is the first field of its type, a repeated message. */
export class ListAnswer {
  private readonly call: Call;
  private readonly field: Field | undefined;
  /** In full; the last one is being filled. */
  private readonly pieces: Uint8Array[] = [];
  private block: Uint8Array = new Uint8Array(0);
  private filled = 0;
  private size = 0;
  /** What an element is written to before it is taken apart into blocks. */
  private readonly scratch = new MessageWriter();

  constructor(call: Call, type: MessageType) {
    this.call = call;
    this.field = type.fields.at(0);
  }

  /** Adds an element: bytes [start, end), in the binary encoding. Throws RpcError where the answer gets too long. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const scratch = this.scratch;
    const field = this.field;
    const type = field?.type;
    if (field === undefined || type === undefined) return;
    scratch.size = 0;
    if (!this.call.isJson) {
      scratch.presentData(field.number, bytes, start, end);
    } else if (this.size === 0) {
      scratch.byte(Byte.openObject);
      scratch.write(field.key, 0, field.key.length);
      scratch.byte(Byte.openArray);
    } else {
      scratch.byte(Byte.comma);
    }
    if (this.call.isJson) printMessage(scratch, type, bytes, start, end);
    this.append(scratch);
  }

  /** Answers the call. */
  send(): void {
    if (this.call.isJson) {
      this.scratch.size = 0;
      const end = this.size === 0 ? EMPTY : END;
      this.scratch.write(end, 0, end.length);
      this.append(this.scratch);
    }
    if (this.filled > 0) this.pieces.push(this.block.subarray(0, this.filled));
    this.call.replyPieces(this.pieces, this.size);
  }

  private append(out: Output): void {
    this.size += out.size;
    if (this.size > SIZE_MAX) throw internal(`more than ${SIZE_MAX} bytes of an answer`);
    for (let at = 0; at < out.size; ) {
      if (this.filled === this.block.length) {
        if (this.filled > 0) this.pieces.push(this.block);
        this.block = new Uint8Array(BLOCK_BYTES);
        this.filled = 0;
      }
      const count = Math.min(out.size - at, this.block.length - this.filled);
      this.block.set(out.bytes.subarray(at, at + count), this.filled);
      at += count;
      this.filled += count;
    }
  }
}
