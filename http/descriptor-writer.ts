/** What the writers of bodies that come from a descriptor have in common. */
import { close } from "../sys/file.ts";
import type { Exchange } from "./exchange.ts";
import { BodyWriter } from "./roles.ts";

/** Bytes sent before the loop goes on to others. */
export const TURN_BYTES = 1024 * 1024;
const CLOSED = -1;

export abstract class DescriptorWriter extends BodyWriter {
  protected readonly exchange: Exchange;
  protected fd: number;

  /** The descriptor is the writer's from now on. */
  constructor(exchange: Exchange, fd: number) {
    super();
    this.exchange = exchange;
    this.fd = fd;
  }

  /** Has `onWritable` called whenever the socket takes more. */
  protected hold(): void {
    this.exchange.isPulled = true;
    this.exchange.hold(this);
  }

  /** Ends the body. */
  protected finish(): void {
    this.release();
    this.exchange.end();
  }

  /** The peer is told that the body is not whole by an end that comes too early, or not at all. */
  protected fail(): void {
    this.exchange.abort();
    this.release();
  }

  /** Gives up the descriptor; once. */
  protected release(): void {
    if (this.fd !== CLOSED) close(this.fd);
    this.fd = CLOSED;
  }

  override onPeerGone(): void {
    this.release();
  }
}
