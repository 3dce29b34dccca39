/** What an exchange needs of the connection that it happens on. */
import type { BufferPool } from "../sys/buffers.ts";
import { type Loop, Source } from "../sys/loop.ts";

/** A buffer of the pool: room for a head and a chunk's size, data, room for the end of a chunk and of the body. */
export const DATA_START = 1024;
export const DATA_BYTES = 65536;
export const DATA_END = DATA_START + DATA_BYTES;
export const BUFFER_BYTES = DATA_END + 16;

export abstract class Transport extends Source {
  /** Which connection of its server it is: they are counted as they come, from 1. Only the server writes it. */
  serial = 0;
  readonly loop: Loop;
  /** Lends buffers of BUFFER_BYTES. */
  readonly buffers: BufferPool;

  constructor(fd: number, loop: Loop, buffers: BufferPool) {
    super(fd);
    this.loop = loop;
    this.buffers = buffers;
  }

  /** Whether bytes wait for the socket to take them. */
  abstract get isBlocked(): boolean;

  /** Whether another request may follow the one that is answered. */
  abstract get keepsAlive(): boolean;

  /**
   * Sends bytes [start, end), which the transport takes over; `isLent`: they are a buffer of the pool. Returns whether all
   * have left. While bytes wait only one array more may be sent, a whole one that is not lent.
   */
  abstract send(bytes: Uint8Array, start: number, end: number, isLent: boolean): boolean;

  /** Sends of bytes [start, end) what the socket takes at once. Returns how many; a peer that is gone takes none. */
  abstract offer(bytes: Uint8Array, start: number, end: number): number;

  /** sendfile(2) of `count` bytes of a file. Nothing may wait. Returns the bytes sent or -errno. */
  abstract sendFile(fd: number, offset: number, count: number): number;

  /** The exchange has got somebody who reads the body. */
  abstract startBody(): void;

  /** The reader takes more of the body: at once, or when the loop comes round. */
  abstract resumeBody(isLater: boolean): void;

  /** What the exchange waits for has changed. */
  abstract update(): void;

  /** The response has been sent, or waits for the socket as a whole. */
  abstract endResponse(): void;

  /** Drops the connection. */
  abstract abort(): void;
}
