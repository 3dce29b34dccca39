/** What connections need of the server that they belong to. */
import { Acceptor } from "../sys/acceptor.ts";
import type { BufferPool } from "../sys/buffers.ts";
import type { Loop } from "../sys/loop.ts";
import type { Connection } from "./connection.ts";
import type { Handler } from "./handler.ts";
import { HeadScanner, RequestHead } from "./head.ts";

export abstract class Site extends Acceptor {
  readonly buffers: BufferPool;
  readonly handler: Handler;
  /** How long a connection may make no progress; milliseconds. */
  readonly idleLimit: number;
  /** The one head that requests are parsed into: it is only lent. */
  readonly head = new RequestHead();
  /** For heads that come in one piece. */
  readonly scanner = new HeadScanner();
  /** Connections of which a large head is coming. */
  largeHeads = 0;
  /** Whether connections stay open after a response. */
  keepsAlive = true;

  constructor(loop: Loop, buffers: BufferPool, handler: Handler, idleLimit: number) {
    super(loop);
    this.buffers = buffers;
    this.handler = handler;
    this.idleLimit = idleLimit;
  }

  /** The connection is closed. */
  abstract onClosed(connection: Connection): void;
}
