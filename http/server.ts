/** The HTTP server: takes connections from its listeners, and keeps their number in bounds. */
import type { Family } from "../sys/address.ts";
import { BufferPool } from "../sys/buffers.ts";
import type { Loop } from "../sys/loop.ts";
import type { Listener } from "../sys/socket.ts";
import { Connection } from "./connection.ts";
import type { Handler } from "./handler.ts";
import { Site } from "./site.ts";
import { BUFFER_BYTES } from "./transport.ts";

/** Connections that are held open; further ones take the place of idle ones, or wait in the backlog. */
const MAX_CONNECTIONS = 4096;

export class HttpServer extends Site {
  private readonly maxConnections: number;
  private readonly onDone: () => void;
  private connections: Connection[] = [];
  private isDraining = false;
  /** Connections that have come so far: the serial of the newest. Only the server writes it. */
  latest = 0;

  /**
   * `idleLimit`: milliseconds that a connection may make no progress. `fileLimit`: descriptors that connections may take.
   * `onDone` is called when nothing is left to accept from and no connection open.
   */
  constructor(loop: Loop, handler: Handler, idleLimit: number, fileLimit: number, onDone: () => void) {
    super(loop, new BufferPool(BUFFER_BYTES), handler, idleLimit);
    this.maxConnections = Math.max(16, Math.min(MAX_CONNECTIONS, fileLimit));
    this.onDone = onDone;
    loop.addIdler(this.buffers);
  }

  /** Whether no connection is open. */
  get isAlone(): boolean {
    return this.connections.length === 0;
  }

  /** Whether nothing is left to accept from and no connection open. */
  get isDone(): boolean {
    return !this.isListening && this.isAlone;
  }

  /** Serves a listener, which the server closes when it stops, or an inherited connection. */
  listen(listener: Listener): void {
    if (listener.accepts) this.acceptOn(listener);
    else this.open(listener.fd);
  }

  /** Stops accepting and drops every connection. */
  stop(): void {
    this.closeListeners();
    for (const connection of this.connections.slice()) connection.abort();
  }

  /** Stops accepting and takes no further request; what is being answered goes on to its end. */
  drain(): void {
    this.closeListeners();
    this.isDraining = true;
    this.keepsAlive = false;
    this.closeIdle();
  }

  /** Whether connections may stay open after a response. */
  allowKeepAlive(isAllowed: boolean): void {
    this.keepsAlive = isAllowed && !this.isDraining;
  }

  /** Closes the connections on which nothing is going on. */
  closeIdle(): void {
    for (const connection of this.connections.slice()) if (connection.isIdle) connection.abort();
  }

  /** Resets the connections up to a serial, but for one: their peers are gone, and do not hear of it. */
  resetUpTo(last: number, except: number): void {
    for (const connection of this.connections.slice()) {
      if (connection.serial <= last && connection.serial !== except) connection.reset();
    }
  }

  override onConnection(fd: number, _family: Family): void {
    this.open(fd);
  }

  override onClosed(connection: Connection): void {
    const last = this.connections.at(-1);
    this.connections.pop();
    if (last !== undefined && last !== connection) {
      this.connections[connection.place] = last;
      last.place = connection.place;
    }
    if (this.connections.length === this.maxConnections - 1) this.setAccepting(true);
    // The array of a burst goes with it.
    if (this.connections.length === 0) this.connections = [];
    if (this.isDone) this.onDone();
  }

  private open(fd: number): void {
    const connection = new Connection(this, fd);
    this.latest++;
    connection.serial = this.latest;
    connection.place = this.connections.length;
    this.connections.push(connection);
    if (this.connections.length >= this.maxConnections) this.makeRoom(connection);
    connection.start();
  }

  /** Closes the connection that has been spare for longest; while there is none, no more are accepted. */
  private makeRoom(newcomer: Connection): void {
    let oldest: Connection | undefined;
    for (const connection of this.connections) {
      if (!connection.isSpare || connection === newcomer) continue;
      if (oldest === undefined || connection.spareSince < oldest.spareSince) oldest = connection;
    }
    if (oldest === undefined) this.setAccepting(false);
    else oldest.abort();
  }
}
