/** The processes that run, and for a while those that have ended; envd-rpc.md 3.1, 3.12. */
import type { ExitWatcher } from "../../sys/exit.ts";
import { Level, log, logs } from "../../sys/log.ts";
import type { Loop } from "../../sys/loop.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { Timer } from "../../sys/timer.ts";
import { OutputEvents } from "./output-event.ts";
import { type Process, ProcessOwner } from "./process.ts";

/** The tag of the command that is run when the daemon starts. */
export const BOOT_TAG = "init-cmd";
/** How long the end of a process can still be asked for. */
const RETENTION_MS = 30_000;
/** Ends that are kept; the oldest go first. */
const MAX_RETAINED = 4096;

/** The end of a process. */
export class Retained {
  readonly pid: number;
  readonly tag: string | undefined;
  readonly status: number;
  readonly order: number;
  readonly until: number;

  constructor(process: Process, status: number, until: number) {
    this.pid = process.pid;
    this.tag = process.tag;
    this.order = process.order;
    this.status = status;
    this.until = until;
  }
}

export class ProcessTable extends ProcessOwner {
  readonly exits: ExitWatcher;
  /** In the order in which they were started. */
  readonly live: Process[] = [];
  private retained: Retained[] = [];
  private started = 0;
  private readonly expiry = new Timer(() => this.expire());

  constructor(loop: Loop, exits: ExitWatcher) {
    super(loop, new OutputEvents(loop));
    this.exits = exits;
  }

  /** Enters a process that runs. What is kept of one with the same pid or tag goes. */
  add(process: Process): void {
    this.started += 1;
    process.order = this.started;
    this.live.push(process);
    const { pid, tag } = process;
    if (this.retainedByPid(pid) === undefined && (tag === undefined || this.retainedByTag(tag) === undefined)) return;
    this.retained = this.retained.filter((end) => end.pid !== pid && (tag === undefined || end.tag !== tag));
  }

  override retire(process: Process, status: number): void {
    const level = process.tag === BOOT_TAG ? Level.INFO : Level.DEBUG;
    if (logs(level)) log(level, `command ${process.pid} ended with ${status}`);
    this.retained.push(new Retained(process, status, monotonicNow() + RETENTION_MS));
    // Not one by one: each time costs as much as there are.
    if (this.retained.length > MAX_RETAINED * 2) this.retained = this.retained.slice(-MAX_RETAINED);
    if (this.expiry.slot < 0) this.loop.timers.start(this.expiry, RETENTION_MS);
    const index = this.live.indexOf(process);
    if (index >= 0) this.live.splice(index, 1);
  }

  /** The process of a pid: the one that was started last, where the number was given twice. */
  byPid(pid: number): Process | undefined {
    return this.live.findLast((process) => process.pid === pid);
  }

  /** The process of a tag that was started last. */
  byTag(tag: string): Process | undefined {
    return this.live.findLast((process) => process.tag === tag);
  }

  retainedByPid(pid: number): Retained | undefined {
    return latest(this.retained.filter((end) => end.pid === pid));
  }

  retainedByTag(tag: string): Retained | undefined {
    return latest(this.retained.filter((end) => end.tag === tag));
  }

  private expire(): void {
    const now = monotonicNow();
    this.retained = this.retained.filter((end) => end.until > now);
    const next = this.retained.at(0);
    if (next !== undefined) this.loop.timers.start(this.expiry, next.until - now);
  }
}

/** Of the process that was started last: one that was started before may have ended after it. */
function latest(ends: Retained[]): Retained | undefined {
  let found: Retained | undefined;
  for (const end of ends) if (found === undefined || end.order > found.order) found = end;
  return found;
}
