/** The processes that run, and for a while those that have ended; envd-rpc.md 3.1, 3.12. */
import type { ExitWatcher } from "../../sys/exit.ts";
import { Level, log, logs } from "../../sys/log.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { Timer } from "../../sys/timer.ts";
import { UNKNOWN_STATUS } from "./exit-status.ts";
import type { WorkloadGroups } from "../workload-groups.ts";
import type { Keeper } from "./keeper.ts";
import { KeptProcess, Letter } from "./kept.ts";
import { OutputEvents } from "./output-event.ts";
import { Process, ProcessOwner } from "./process.ts";
import { RetainedEnds } from "./retained.ts";

/** The tag of the command that is run when the daemon starts. */
export const BOOT_TAG = "init-cmd";
/** The tag of what the host does for itself: it is not frozen with the rest. */
export const SYSTEM_TAG = "_system";
/** How long the end of a process can still be asked for. */
const RETENTION_MS = 30_000;
/** Ends go together: after a burst an idle agent would wake up for each. */
const EXPIRY_MS = 2000;

export class ProcessTable extends ProcessOwner {
  readonly exits: ExitWatcher;
  /** Where processes begin. */
  readonly groups: WorkloadGroups;
  /** In the order in which they were started. */
  live: Process[] = [];
  readonly retained = new RetainedEnds();
  private started = 0;
  private readonly expiry = new Timer(() => this.expire());

  constructor(loop: Loop, exits: ExitWatcher, groups: WorkloadGroups, keeper: Keeper | undefined) {
    super(loop, new OutputEvents(loop), keeper);
    this.exits = exits;
    this.groups = groups;
  }

  /** Enters a process that runs. What is kept of one with the same pid or tag goes. */
  add(process: Process): void {
    this.started += 1;
    process.order = this.started;
    this.live.push(process);
    this.retained.forget(process.pid, process.tag);
  }

  /** Goes on with a process that a worker before this one has started; `kept.ts` says what the text is. */
  adopt(text: string, fds: number[]): void {
    const kept = KeptProcess.receive(text, fds);
    const process = Process.adopt(this, kept);
    this.add(process);
    if (process.isAwaited && this.keeper?.tellsExits !== true) awaitEnd(this.loop, process, kept.fd(Letter.PIDFD));
    process.run();
  }

  /** A process that was taken over has ended, with a status of `takeStatus`. */
  onExited(pid: number, status: number): void {
    for (const process of this.live.slice()) if (process.pid === pid && process.isAwaited) process.onStatus(status);
  }

  /** Has everything kept once more. */
  keepAll(): void {
    for (const process of this.live) process.keep();
  }

  override retire(process: Process, status: number): void {
    const level = process.tag === BOOT_TAG ? Level.INFO : Level.DEBUG;
    if (logs(level)) log(level, `command ${process.pid} ended with ${status}`);
    this.retained.add(process, status, monotonicNow() + RETENTION_MS);
    if (this.expiry.slot < 0) this.loop.timers.start(this.expiry, RETENTION_MS);
    const index = this.live.indexOf(process);
    if (index >= 0) this.live.splice(index, 1);
    // The array of a burst goes with it.
    if (this.live.length === 0) this.live = [];
  }

  /** The process of a pid: the one that was started last, where the number was given twice. */
  byPid(pid: number): Process | undefined {
    return this.live.findLast((process) => process.pid === pid);
  }

  /** The process of a tag that was started last. */
  byTag(tag: string): Process | undefined {
    return this.live.findLast((process) => process.tag === tag);
  }

  private expire(): void {
    const now = monotonicNow();
    this.retained.expire(now);
    const next = this.retained.firstUntil;
    if (next !== Infinity) this.loop.timers.start(this.expiry, Math.max(next - now, EXPIRY_MS));
  }
}

/** The end of a process whose status is somebody else's to take. */
class StrangersEnd extends Source {
  private readonly loop: Loop;
  private readonly process: Process;

  constructor(loop: Loop, process: Process, pidfd: number) {
    super(pidfd);
    this.loop = loop;
    this.process = process;
  }

  override onReady(_ready: number): void {
    this.loop.remove(this);
    this.process.onStatus(UNKNOWN_STATUS);
  }
}

function awaitEnd(loop: Loop, process: Process, pidfd: number): void {
  if (pidfd < 0) return process.onStatus(UNKNOWN_STATUS);
  loop.add(new StrangersEnd(loop, process, pidfd), Ready.READABLE);
}
