/** Long work, of which every turn of the loop does a slice, so that nothing else waits for it. */
import { internal, RpcError } from "../connect/error.ts";
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";

/** How long one turn may work; milliseconds. */
const SLICE_MS = 4;

export class Job {
  /** Does a small piece. Returns whether there is more. */
  readonly step: () => boolean;
  /** A step has thrown: it is the last one. */
  readonly onFailure: (error: RpcError) => void;
  /** Only its Slices writes it. */
  isQueued = false;

  constructor(step: () => boolean, onFailure: (error: RpcError) => void) {
    this.step = step;
    this.onFailure = onFailure;
  }
}

export class Slices {
  private readonly loop: Loop;
  private readonly timer = new Timer(() => this.run());
  private readonly jobs: Job[] = [];
  private isRunning = false;

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Begins a job, at once where there is no other; one that has begun and not ended goes on. */
  add(job: Job): void {
    if (job.isQueued) return;
    job.isQueued = true;
    this.jobs.push(job);
    if (this.jobs.length === 1 && !this.isRunning) this.run();
  }

  private run(): void {
    this.isRunning = true;
    // Started before the work, so that poll waits no longer than it must.
    this.loop.timers.start(this.timer, 0);
    const until = monotonicNow() + SLICE_MS;
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) {
      while (job.isQueued && monotonicNow() < until) job.isQueued = this.step(job);
      if (!job.isQueued) continue;
      this.jobs.push(job);
      break;
    }
    this.isRunning = false;
    if (this.jobs.length === 0) this.loop.timers.cancel(this.timer);
  }

  private step(job: Job): boolean {
    try {
      return job.step();
    } catch (error) {
      if (error instanceof RpcError) job.onFailure(error);
      else if (error instanceof SysError) job.onFailure(internal(error.describe()));
      else job.onFailure(internal(error instanceof Error ? error.message : ""));
      return false;
    }
  }
}
