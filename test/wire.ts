// The frames of protocol v1, written from the specification and not from the agent's code.

export const frameType = { json: 1, stdout: 2, stderr: 3, data: 4, eof: 5 } as const;

/** The largest payload a sender uses, in bytes. */
export const chunkLimit = 65_536;

/** The largest payload a receiver accepts, in bytes. */
export const frameLimit = 16 * 1024 * 1024;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** The five bytes before a payload of `length` bytes. */
export function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** A whole frame. */
export function frame(type: number, payload: Uint8Array | string = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  return Buffer.concat([header(type, bytes.length), bytes]);
}

/** A JSON frame around an object, or around text sent exactly as given. */
export function request(value: JsonObject | string): Buffer {
  return frame(frameType.json, typeof value === "string" ? value : JSON.stringify(value));
}

export function parseObject(payload: Buffer): JsonObject {
  const value: Json = JSON.parse(payload.toString("utf8"));
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`not a JSON object: ${payload.toString("utf8")}`);
  }
  return value;
}

/** Cuts a byte stream into frames; holds what is incomplete. */
export class Decoder {
  #chunks: Buffer[] = [];
  #size = 0;

  /** Bytes received and not yet handed out as a frame. */
  get buffered(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next whole frame, or undefined while it is incomplete. */
  next(): Frame | undefined {
    if (this.#size < 5) return undefined;
    const head = this.#take(5);
    const type = head.readUInt8(0);
    const length = head.readUInt32BE(1);
    if (length > frameLimit) throw new Error(`the agent sent a frame of ${length} bytes`);
    if (this.#size < length) {
      this.#chunks.unshift(head);
      this.#size += 5;
      return undefined;
    }
    return { type, payload: this.#take(length) };
  }

  #take(count: number): Buffer {
    this.#size -= count;
    const first = this.#chunks[0];
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const bytes = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) throw new Error("the decoder lost count");
      const used = Math.min(chunk.length, count - filled);
      chunk.copy(bytes, filled, 0, used);
      filled += used;
      if (used < chunk.length) this.#chunks.unshift(chunk.subarray(used));
    }
    return bytes;
  }
}
