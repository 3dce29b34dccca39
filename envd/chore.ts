/** Work that may take long in the kernel, or for ever: done in a child. Who asks while it is being done shares its end. */
import { SysError } from "../sys/errno.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { reap } from "../sys/process.ts";
import { Timer } from "../sys/timer.ts";

/** Called with the child's exit code, -N for signal N, or the errno for which there is none. */
export type OnChoreEnd = (status: number) => void;

/** What waits for the end. */
class Waiter {
  readonly onEnd: OnChoreEnd;

  constructor(onEnd: OnChoreEnd) {
    this.onEnd = onEnd;
  }
}

export class Chore {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly launch: () => number;
  private readonly patience = new Timer(() => this.tell(0));
  private waiters: Waiter[] = [];
  private isRunning = false;

  /** `launch` starts the child, and returns its pid. */
  constructor(loop: Loop, exits: ExitWatcher, launch: () => number) {
    this.loop = loop;
    this.exits = exits;
    this.launch = launch;
  }

  /** Does the work. `limit`: milliseconds after which it counts as done for those who wait; Infinity for no limit. */
  run(limit: number, onEnd: OnChoreEnd): void {
    this.waiters.push(new Waiter(onEnd));
    if (limit !== Infinity && this.patience.slot < 0) this.loop.timers.start(this.patience, limit);
    if (this.isRunning) return;
    try {
      const pid = this.launch();
      this.isRunning = true;
      this.exits.watch(pid, () => this.onExit(reap(pid)));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.ERROR, error.describe());
      this.tell(error.errno);
    }
  }

  private onExit(status: number): void {
    this.isRunning = false;
    this.tell(status);
  }

  private tell(status: number): void {
    this.loop.timers.cancel(this.patience);
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.onEnd(status);
  }
}
