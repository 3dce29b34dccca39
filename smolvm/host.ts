/** What connections and their operations need of the server. */
import type { Temporaries } from "../json/temporaries.ts";
import { Acceptor } from "../sys/acceptor.ts";
import type { BufferPool } from "../sys/buffers.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import type { GroupTable } from "../sys/groups.ts";
import type { Loop } from "../sys/loop.ts";
import type { Connection } from "./connection.ts";

export abstract class Host extends Acceptor {
  readonly exits: ExitWatcher;
  /** Where the groups of running commands are entered. */
  readonly groups: GroupTable;
  /** The files that uploads are gathered in. */
  readonly temporaries: Temporaries;
  /** Lends the buffers that `sendBuffer` takes. */
  readonly buffers: BufferPool;
  /** Scratch that every connection receives into; nothing in it outlives a handler. */
  readonly inbox: Uint8Array;

  constructor(loop: Loop, exits: ExitWatcher, groups: GroupTable, temporaries: Temporaries, buffers: BufferPool, inbox: Uint8Array) {
    super(loop);
    this.exits = exits;
    this.groups = groups;
    this.temporaries = temporaries;
    this.buffers = buffers;
    this.inbox = inbox;
  }

  /** Handles the request in bytes [start, end), which are only lent. */
  abstract onRequest(connection: Connection, bytes: Uint8Array, start: number, end: number): void;

  /** Asks to hold a large request of `length` bytes. After a no, the host grants the wish later. */
  abstract reserve(length: number): boolean;

  /** Takes back what was reserved. */
  abstract unreserve(length: number): void;

  /** Takes back a wish that has not been granted. */
  abstract withdrawWish(): void;

  /** An operation holds nothing any more: another may have its turn. Called once for each. */
  abstract onOperationEnded(): void;

  /** The connection is closed; where it waited for its turn, it waits no more. */
  abstract onClosed(connection: Connection): void;
}
