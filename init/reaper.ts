/**
 * The children of this process, and in PID 1 every orphan of the machine: the one place that takes their statuses, so
 * that none is stolen from whoever waits for it; lifecycle.md 1.9.
 */
import { CStringVector } from "../sys/bytes.ts";
import { launch, launchWork } from "../sys/launch.ts";
import type { Loop } from "../sys/loop.ts";
import { Command, type Ended, reapAny } from "../sys/process.ts";
import { Timer } from "../sys/timer.ts";

/** Statuses taken in one turn of the loop. */
const STATUSES_PER_TURN = 256;

/** A child of ours whose end somebody waits for. */
class Watch {
  readonly pid: number;
  readonly onExit: (status: number) => void;

  constructor(pid: number, onExit: (status: number) => void) {
    this.pid = pid;
    this.onExit = onExit;
  }
}

export class Reaper {
  private readonly loop: Loop;
  private watches: Watch[] = [];
  private readonly again = new Timer(() => this.reap());
  private onNone: (() => void) | undefined;
  /** Told of the ends of those that nobody waits for: a status as `takeStatus` has it. */
  onOrphan: ((pid: number, status: number) => void) | undefined;

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /**
   * Starts a program (`argv[0]` is its path) with its output to a descriptor, which stays the caller's. `onExit` gets its
   * exit code, or -N for death by signal N; 127 where it could not be executed. `environment` is the address of its
   * environment vector. Returns the pid. Throws SysError.
   */
  launch(argv: string[], environment: number, output: number, onExit: (status: number) => void): number {
    const vector = new CStringVector();
    for (const word of argv) vector.add(word);
    const pid = launch(new Command(argv.at(0) ?? "", vector, environment, ""), output);
    this.watch(pid, onExit);
    return pid;
  }

  /** Does a piece of work that may block in a child; `onExit` gets 0 when it is done. Returns the pid. Throws SysError. */
  work(work: () => void, onExit: (status: number) => void): number {
    const pid = launchWork(work);
    this.watch(pid, onExit);
    return pid;
  }

  /** Waits for a child. To be called before the loop turns again, or the status is gone. */
  watch(pid: number, onExit: (status: number) => void): void {
    this.watches.push(new Watch(pid, onExit));
  }

  /** Calls back once, when no child is left. */
  awaitNone(onNone: () => void): void {
    this.onNone = onNone;
    this.reap();
  }

  /** Takes the statuses that are there: after a SIGCHLD, of which one may stand for many. */
  reap(): void {
    for (let count = 0; count < STATUSES_PER_TURN; count++) {
      const ended = reapAny();
      if (ended.pid <= 0) {
        if (ended.pid < 0) this.tellNone();
        return;
      }
      this.tell(ended);
    }
    // A storm of orphans is not to stop the rest.
    this.loop.timers.start(this.again, 0);
  }

  private tell(ended: Ended): void {
    const watch = this.watches.find((candidate) => candidate.pid === ended.pid);
    if (watch !== undefined) {
      this.watches = this.watches.filter((other) => other !== watch);
      return watch.onExit(ended.status);
    }
    const onOrphan = this.onOrphan;
    if (onOrphan !== undefined) onOrphan(ended.pid, ended.fullStatus);
  }

  private tellNone(): void {
    const onNone = this.onNone;
    this.onNone = undefined;
    if (onNone !== undefined) onNone();
  }
}
