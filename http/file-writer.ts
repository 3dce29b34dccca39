/** A part of a file as the body of a response, from the page cache to the socket. */
import { Errno } from "../sys/errno.ts";
import { DescriptorWriter, TURN_BYTES } from "./descriptor-writer.ts";
import type { Exchange } from "./exchange.ts";

export class FileWriter extends DescriptorWriter {
  private offset: number;
  private left: number;

  /** Sends `length` bytes from `offset` on of a file, whose descriptor is the writer's from now on. */
  constructor(exchange: Exchange, fd: number, offset: number, length: number) {
    super(exchange, fd);
    this.offset = offset;
    this.left = length;
  }

  /** Begins to send, behind a head that `begin` has made with this length. */
  start(): void {
    this.hold();
    this.onWritable();
  }

  override onWritable(): void {
    const turn = Math.max(0, this.left - TURN_BYTES);
    while (this.left > turn) {
      const sent = this.exchange.sendFile(this.fd, this.offset, this.left - turn);
      if (sent === -Errno.EAGAIN || sent === -Errno.EINTR || this.exchange.isBlocked) return;
      // Cut short meanwhile, or not to be read.
      if (sent <= 0) return this.fail();
      this.offset += sent;
      this.left -= sent;
    }
    if (this.left === 0) this.finish();
  }
}
