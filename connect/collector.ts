/** A message that comes in pieces. */
import { Code } from "./code.ts";
import { RpcError } from "./error.ts";

const NONE = new Uint8Array(0);
const FIRST_BYTES = 4096;

/**
 * Messages have to be shorter than this, in bytes. What is longer is refused when its length is known, or when so much of
 * it has come.
 */
export const MESSAGE_LIMIT = 64 * 1024 * 1024;

/** The error for a message that is too long. */
export function tooLong(): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, `message is not shorter than ${MESSAGE_LIMIT} bytes`);
}

/** Keeps the pieces of one message. Room is made for what has come, not for what was announced. */
export class Collector {
  bytes: Uint8Array = NONE;
  size = 0;

  /** Adds bytes [start, end), which remain the caller's. At the most `limit` are to come. Throws RpcError. */
  add(bytes: Uint8Array, start: number, end: number, limit: number): void {
    const size = this.size + end - start;
    if (size >= MESSAGE_LIMIT) throw tooLong();
    if (size > this.bytes.length) {
      const more = new Uint8Array(Math.min(Math.max(size, this.bytes.length * 2, FIRST_BYTES), Math.max(size, limit)));
      more.set(this.bytes.subarray(0, this.size), 0);
      this.bytes = more;
    }
    this.bytes.set(bytes.subarray(start, end), this.size);
    this.size = size;
  }

  clear(): void {
    this.bytes = NONE;
    this.size = 0;
  }
}
