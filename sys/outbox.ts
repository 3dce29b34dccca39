/** The one writer of a connection: it knows what is pending, so messages never interleave. */
import type { BufferPool } from "./buffers.ts";
import { Errno, errnoText } from "./errno.ts";
import { Level, log, logs } from "./log.ts";
import { send } from "./socket.ts";

/** What has become of bytes. */
export const enum Sent {
  /** All have left. */
  ALL,
  /** Some are pending until the socket takes more. */
  SOME,
  /** The peer is gone. */
  GONE,
}

export class Outbox {
  private readonly fd: number;
  private readonly buffers: BufferPool;
  private pending: Uint8Array | undefined;
  private start = 0;
  private end = 0;
  private isLent = false;
  /** What comes after the pending bytes. */
  private next: Uint8Array | undefined;

  /** Writes to `fd`, which stays the caller's; lent buffers go back to `buffers`. */
  constructor(fd: number, buffers: BufferPool) {
    this.fd = fd;
    this.buffers = buffers;
  }

  /** Whether everything has left. */
  get isEmpty(): boolean {
    return this.pending === undefined;
  }

  /**
   * Sends bytes [start, end), or keeps what does not leave. With `isLent` they are a buffer of the pool, which the outbox
   * takes over. While something is pending only one array more may be sent, a whole one that is not lent.
   */
  send(bytes: Uint8Array, start: number, end: number, isLent: boolean): Sent {
    if (this.pending !== undefined) {
      this.next = bytes;
      return Sent.SOME;
    }
    const position = this.push(bytes, start, end);
    if (position === end || position < 0) {
      if (isLent) this.buffers.give(bytes);
      return position < 0 ? Sent.GONE : Sent.ALL;
    }
    this.pending = bytes;
    this.start = position;
    this.end = end;
    this.isLent = isLent;
    return Sent.SOME;
  }

  /** Sends of what is pending as much as leaves. */
  flush(): Sent {
    const pending = this.pending;
    if (pending === undefined) return Sent.ALL;
    const position = this.push(pending, this.start, this.end);
    if (position < 0) return Sent.GONE;
    this.start = position;
    if (position < this.end) return Sent.SOME;
    const next = this.next;
    this.discard();
    return next === undefined ? Sent.ALL : this.send(next, 0, next.length, false);
  }

  /** Forgets what is pending. */
  discard(): void {
    const pending = this.pending;
    this.pending = undefined;
    this.next = undefined;
    if (pending !== undefined && this.isLent) this.buffers.give(pending);
  }

  /** Returns where sending bytes [start, end) ended, -1 where the peer is gone. */
  private push(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (position < end) {
      const sent = send(this.fd, bytes, position, end);
      if (sent === -Errno.EAGAIN) break;
      if (sent === -Errno.EINTR) continue;
      if (sent < 0) {
        if (logs(Level.DEBUG)) log(Level.DEBUG, `connection ${this.fd}: ${errnoText(-sent)}`);
        return -1;
      }
      position += sent;
    }
    return position;
  }
}
