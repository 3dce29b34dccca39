/** The SmolVM server: takes connections from its listeners and gives each request its turn. */
import { JsonError, parseJson } from "../json/parse.ts";
import type { Temporaries } from "../json/temporaries.ts";
import { JsonKind, JsonValue } from "../json/value.ts";
import { Family } from "../sys/address.ts";
import { BufferPool } from "../sys/buffers.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import type { GroupTable } from "../sys/groups.ts";
import { Level, log, logs } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import type { Listener } from "../sys/socket.ts";
import { Connection } from "./connection.ts";
import { begin, refusal, Verb, verbOf } from "./dispatch.ts";
import { CHUNK_BYTES, HEADER_BYTES } from "./frame.ts";
import { Host } from "./host.ts";
import { errorReply, PONG } from "./reply.ts";

/** Requests that are served at once; further ones wait their turn. */
const MAX_RUNNING = 64;
/** Connections that are held open; further ones wait in the backlog. */
const MAX_CONNECTIONS = 1024;
/** Descriptors that the requests need beside their connections, and the agent for itself. */
const FDS_FOR_REQUESTS = MAX_RUNNING * 8 + 32;
/** Memory for large requests that have not had their turn. */
const LARGE_REQUEST_BUDGET = 32 * 1024 * 1024;
/** The first read of a request; what follows the request in it is copied, so it is kept small. */
const INBOX_BYTES = 2000;
/** Two full frames and an end mark. */
const BUFFER_BYTES = 2 * (HEADER_BYTES + CHUNK_BYTES) + HEADER_BYTES;
export class Server extends Host {
  private readonly maxConnections: number;
  private readonly onDone: () => void;
  private readonly connections: Connection[] = [];
  /** Connections whose request waits for its turn, first come first served. */
  private waiting: Connection[] = [];
  private running = 0;
  private isStarting = false;
  private budget = LARGE_REQUEST_BUDGET;
  /** Connections that wait for a part of the budget. */
  private wishes = 0;

  /**
   * `fileLimit` is the number of descriptors that the process may have open; `onDone` is called when nothing is left to
   * accept from and no connection open.
   */
  constructor(
    loop: Loop,
    exits: ExitWatcher,
    groups: GroupTable,
    temporaries: Temporaries,
    fileLimit: number,
    onDone: () => void,
  ) {
    super(loop, exits, groups, temporaries, new BufferPool(BUFFER_BYTES), new Uint8Array(INBOX_BYTES));
    this.onDone = onDone;
    loop.addIdler(this.buffers);
    this.maxConnections = Math.max(16, Math.min(MAX_CONNECTIONS, fileLimit - FDS_FOR_REQUESTS));
  }

  /** Whether nothing is left to accept from and no connection open. */
  get isDone(): boolean {
    return !this.isListening && this.connections.length === 0;
  }

  /** Serves a listener, which the server closes when it stops, or an inherited connection. */
  listen(listener: Listener): void {
    if (listener.accepts) this.acceptOn(listener);
    else this.open(listener.fd, false);
  }

  /** Stops accepting and drops every connection, with what it runs. */
  stop(): void {
    this.closeListeners();
    for (const connection of this.connections.slice()) connection.abort();
  }

  /** Stops accepting and takes no further request; what runs goes on to its end. */
  drain(): void {
    this.closeListeners();
    for (const connection of this.connections.slice()) {
      if (!connection.isServing) connection.abort();
    }
  }

  override onConnection(fd: number, family: Family): void {
    // Neither tells of a hang-up by poll alone: AF_VSOCK not before this side has shut down, too.
    this.open(fd, family === Family.TCP || family === Family.VSOCK);
  }

  override onRequest(connection: Connection, bytes: Uint8Array, start: number, end: number): void {
    const request = parseRequest(bytes, start, end);
    if (request.kind !== JsonKind.object) return connection.close();
    if (logs(Level.DEBUG)) log(Level.DEBUG, `connection ${connection.fd}: ${request.get("op")?.asString() ?? ""}`);
    const verb = verbOf(request);
    const reason = refusal(request, verb);
    if (reason !== "") return connection.finish(errorReply(reason), false);
    // A ping holds nothing while it is answered, so it needs no turn.
    if (verb === Verb.PING) return connection.finish(PONG, false);
    connection.enqueue(request);
    this.waiting.push(connection);
    this.startWaiting();
  }

  override onOperationEnded(): void {
    this.running--;
    this.startWaiting();
  }

  override onClosed(connection: Connection): void {
    const lastPlace = this.connections.length - 1;
    if (connection.place !== lastPlace) this.moveConnection(lastPlace, connection.place);
    this.connections.length = lastPlace;
    if (this.waiting.length > 0) this.stopWaiting(connection);
    if (this.connections.length === this.maxConnections - 1) this.updateAccepting();
    if (this.isDone) this.onDone();
  }

  override reserve(length: number): boolean {
    if (this.wishes > 0 || length > this.budget) {
      this.wishes++;
      return false;
    }
    this.budget -= length;
    return true;
  }

  override unreserve(length: number): void {
    this.budget += length;
    if (this.wishes === 0) return;
    for (const connection of this.connections) {
      const wish = connection.wishedLength;
      if (wish === 0 || wish > this.budget) continue;
      this.wishes--;
      this.budget -= wish;
      connection.grantWish();
    }
  }

  override withdrawWish(): void {
    this.wishes--;
  }

  private moveConnection(from: number, to: number): void {
    const connection = this.connections.at(from);
    if (connection === undefined) return;
    this.connections[to] = connection;
    connection.place = to;
  }

  private stopWaiting(connection: Connection): void {
    this.waiting = this.waiting.filter((other) => other !== connection);
  }

  private open(fd: number, isTcp: boolean): void {
    const connection = new Connection(this, fd, isTcp);
    connection.place = this.connections.length;
    this.connections.push(connection);
    if (this.connections.length === this.maxConnections) this.updateAccepting();
    connection.start();
  }

  /** Gives turns while there are some. An operation that ends at once gives its turn on from inside: no recursion. */
  private startWaiting(): void {
    if (this.isStarting) return;
    this.isStarting = true;
    while (this.running < MAX_RUNNING) {
      const next = this.waiting.at(0);
      if (next === undefined) break;
      this.waiting.shift();
      const request = next.takeRequest();
      if (request === undefined) continue;
      this.running++;
      if (!begin(this, next, request)) {
        this.running--;
          }
    }
    this.isStarting = false;
  }

  /** Listens to the backlog while another connection may be held. */
  private updateAccepting(): void {
    this.setAccepting(this.connections.length < this.maxConnections);
  }
}

/** The JSON value in bytes [start, end); null where they are none. */
function parseRequest(bytes: Uint8Array, start: number, end: number): JsonValue {
  try {
    return parseJson(bytes, start, end);
  } catch (error) {
    if (error instanceof JsonError) return JsonValue.null();
    throw error;
  }
}
