/** Files put together as one, a slice in each turn of the loop; envd-http.md 5.8. */
import type { Exchange } from "../http/exchange.ts";
import { BodyWriter } from "../http/roles.ts";
import { Status } from "../http/status.ts";
import { COMPOSE_MARK, type Temporaries } from "../json/temporaries.ts";
import { isOutOfSpace, SysError } from "../sys/errno.ts";
import { close, fstat, lstat, openForReading, randomName, stat, unlink } from "../sys/file.ts";
import { isRootFrozen } from "../sys/fsfreeze.ts";
import type { Loop } from "../sys/loop.ts";
import { changeOwnerOf, rename } from "../sys/node.ts";
import { openForOverwrite } from "../sys/overwrite.ts";
import type { User } from "../sys/passwd.ts";
import { Timer } from "../sys/timer.ts";
import { Failure } from "./failure.ts";
import { FileCopier } from "./file-copier.ts";
import { FROZEN_PAUSE_MS } from "./frozen-gate.ts";
import { checkName } from "./paths.ts";
import { replyFailure, replyJson } from "./reply.ts";
import { entryOf, makeParents, NO_SPACE } from "./stored-file.ts";

/** Sources that are looked at, or removed, in one turn. */
const TURN_SOURCES = 64;
const CLOSED = -1;

const enum Phase {
  CHECK,
  COPY,
  /** The destination is in place: nothing turns back any more. */
  REMOVE,
  DONE,
}

export class ComposeJob extends BodyWriter {
  private readonly exchange: Exchange;
  private readonly loop: Loop;
  private readonly timer = new Timer(() => this.run());
  /** As they were sent; one that has been checked is replaced by what it means. */
  private readonly sources: string[];
  private readonly resolve: (source: string) => string;
  private readonly destination: string;
  private readonly user: User;
  private readonly temporaries: Temporaries | undefined;
  private readonly copier = new FileCopier();
  private phase = Phase.CHECK;
  /** The source that is next. */
  private next = 0;
  private from = CLOSED;
  private to = CLOSED;
  private temporary = "";
  /** What the temporary is, and then the destination. */
  private device = 0;
  private inode = 0;

  /** `resolve` makes a path of a source, and throws Failure. */
  constructor(
    loop: Loop, exchange: Exchange, temporaries: Temporaries | undefined, sources: string[], destination: string, user: User,
    resolve: (source: string) => string,
  ) {
    super();
    this.loop = loop;
    this.exchange = exchange;
    this.temporaries = temporaries;
    this.sources = sources;
    this.destination = destination;
    this.user = user;
    this.resolve = resolve;
  }

  /** Begins; the answer comes by itself. */
  start(): void {
    this.exchange.endsWithPeer = true;
    this.exchange.hold(this);
    this.run();
  }

  override onWritable(): void {}

  /** What has been put in place stays, and its sources go. */
  override onPeerGone(): void {
    if (this.phase < Phase.REMOVE) this.end();
  }

  private run(): void {
    if (isRootFrozen()) return this.loop.timers.start(this.timer, FROZEN_PAUSE_MS);
    try {
      this.turn();
      if (this.phase !== Phase.DONE) this.loop.timers.start(this.timer, 0);
    } catch (error) {
      this.end();
      if (error instanceof Failure) replyFailure(this.exchange, error);
      else this.exchange.abort();
    }
  }

  /** Gives up what is not in place. */
  private end(): void {
    this.phase = Phase.DONE;
    this.loop.timers.cancel(this.timer);
    this.close();
    if (this.temporary !== "") unlink(this.temporary);
    this.forget();
  }

  /** It is gone, or in place. */
  private forget(): void {
    if (this.temporary !== "") this.temporaries?.remove(this.temporary);
    this.temporary = "";
  }

  /** Returns 0, or -errno where what was written is refused. */
  private close(): number {
    if (this.from >= 0) close(this.from);
    const closed = this.to >= 0 ? close(this.to) : 0;
    this.from = CLOSED;
    this.to = CLOSED;
    return closed;
  }

  private turn(): void {
    if (this.phase === Phase.COPY) return this.copy();
    const stop = Math.min(this.sources.length, this.next + TURN_SOURCES);
    for (; this.next < stop; this.next++) {
      const source = this.sources.at(this.next) ?? "";
      if (this.phase === Phase.CHECK) this.sources[this.next] = this.check(source);
      else this.remove(source);
    }
    if (this.next < this.sources.length) return;
    this.next = 0;
    if (this.phase === Phase.CHECK) return this.open();
    this.phase = Phase.DONE;
    replyJson(this.exchange, entryOf(this.destination));
  }

  private check(source: string): string {
    const path = this.resolve(source);
    let isRegular = false;
    try {
      checkName(path);
      isRegular = stat(path).isRegular;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw new Failure(Status.NOT_FOUND, `source file not found: ${source}`);
    }
    if (!isRegular) throw new Failure(Status.BAD_REQUEST, `source path is not a regular file: ${source}`);
    return path;
  }

  /** One that is the destination by another name is not one any more. */
  private remove(source: string): void {
    try {
      const { device, inode } = lstat(source);
      if (inode !== this.inode || device !== this.device) unlink(source);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }

  private open(): void {
    makeParents(this.destination, this.user);
    const path = `${this.destination}${COMPOSE_MARK}${randomName()}.tmp`;
    this.temporary = path;
    this.temporaries?.add(path);
    try {
      this.to = openForOverwrite(path).fd;
      changeOwnerOf(this.to, path, this.user.uid, this.user.gid);
      const { device, inode } = fstat(this.to);
      this.device = device;
      this.inode = inode;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw failure("creating temporary file", error);
    }
    this.phase = Phase.COPY;
  }

  private copy(): void {
    const source = this.sources.at(this.next);
    if (source === undefined) return this.commit();
    try {
      if (this.from < 0) this.from = openForReading(source);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw failure("opening source file", error);
    }
    const copied = this.copier.step(this.from, this.to);
    if (copied < 0) throw failure("composing file", new SysError("copy", -copied, source));
    if (copied > 0) return;
    close(this.from);
    this.from = CLOSED;
    this.next++;
  }

  private commit(): void {
    const closed = this.close();
    if (closed < 0) throw failure("composing file", new SysError("close", -closed, this.temporary));
    try {
      rename(this.temporary, this.destination);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw new Failure(Status.INTERNAL_ERROR, `error finalizing compose: ${error.describe()}`);
    }
    this.forget();
    this.phase = Phase.REMOVE;
    this.next = 0;
  }
}

function failure(step: string, error: SysError): Failure {
  if (isOutOfSpace(error.errno)) return new Failure(Status.INSUFFICIENT_STORAGE, NO_SPACE);
  return new Failure(Status.INTERNAL_ERROR, `error ${step}: ${error.describe()}`);
}
