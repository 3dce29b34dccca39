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

/** What messages that come in pieces may take together, of all calls; bytes. Two of the longest. */
const ROOM_MAX = 2 * MESSAGE_LIMIT;

let taken = 0;

/** What the messages of one call take while they come in pieces. */
export class MessageRoom {
  private size = 0;

  /** Takes so many bytes more. Throws RpcError where all calls together have too many. */
  take(count: number): void {
    if (taken + count > ROOM_MAX) throw new RpcError(Code.RESOURCE_EXHAUSTED, "too many large messages at the same time");
    taken += count;
    this.size += count;
  }

  give(count: number): void {
    const given = Math.min(count, this.size);
    taken -= given;
    this.size -= given;
  }

  /** The call is over. */
  close(): void {
    this.give(this.size);
  }
}

/** Keeps the pieces of one message. Room is made for what has come, not for what was announced. */
export class Collector {
  bytes: Uint8Array = NONE;
  size = 0;
  private readonly room: MessageRoom;

  constructor(room: MessageRoom) {
    this.room = room;
  }

  /** Adds bytes [start, end), which remain the caller's. At the most `limit` are to come. Throws RpcError. */
  add(bytes: Uint8Array, start: number, end: number, limit: number): void {
    const size = this.size + end - start;
    if (size >= MESSAGE_LIMIT) throw tooLong();
    if (size > this.bytes.length) {
      const capacity = Math.min(Math.max(size, this.bytes.length * 2, FIRST_BYTES), Math.max(size, limit));
      this.room.take(capacity - this.bytes.length);
      const more = new Uint8Array(capacity);
      more.set(this.bytes.subarray(0, this.size), 0);
      this.bytes = more;
    }
    this.bytes.set(bytes.subarray(start, end), this.size);
    this.size = size;
  }

  clear(): void {
    this.room.give(this.bytes.length);
    this.bytes = NONE;
    this.size = 0;
  }
}
