/** A part of a file as the body of a response, from the page cache to the socket. */
import { Errno } from "../sys/errno.ts";
import { close } from "../sys/file.ts";
import type { Exchange } from "./exchange.ts";
import { BodyWriter } from "./roles.ts";

/** Bytes sent before the loop goes on to others. */
const TURN_BYTES = 1024 * 1024;

export class FileWriter extends BodyWriter {
  private readonly exchange: Exchange;
  private fd: number;
  private offset: number;
  private left: number;

  /** Sends `length` bytes from `offset` on of a file, whose descriptor is the writer's from now on. */
  constructor(exchange: Exchange, fd: number, offset: number, length: number) {
    super();
    this.exchange = exchange;
    this.fd = fd;
    this.offset = offset;
    this.left = length;
  }

  /** Begins to send, behind a head that `begin` has made with this length. */
  start(): void {
    this.exchange.isPulled = true;
    this.exchange.hold(this);
    this.onWritable();
  }

  override onWritable(): void {
    const turn = Math.max(0, this.left - TURN_BYTES);
    while (this.left > turn) {
      const sent = this.exchange.sendFile(this.fd, this.offset, this.left - turn);
      if (sent === -Errno.EAGAIN || sent === -Errno.EINTR || this.exchange.isBlocked) return;
      // Cut short meanwhile, or not to be read: the peer is told by an end that comes too early.
      if (sent <= 0) return this.exchange.abort();
      this.offset += sent;
      this.left -= sent;
    }
    if (this.left > 0) return;
    this.release();
    this.exchange.end();
  }

  override onPeerGone(): void {
    this.release();
  }

  private release(): void {
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
  }
}
