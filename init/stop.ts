/**
 * The orderly stop of a machine, which always ends: every step has a limit, and a watchdog goes over them all;
 * lifecycle.md 1.11.
 */
import { errnoText, SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { type Machine, Reboot, SysRq } from "../sys/machine.ts";
import { Signal } from "../sys/signals.ts";
import { Timer } from "../sys/timer.ts";
import { type StopChoice, StopWish } from "./platform.ts";
import type { Reaper } from "./reaper.ts";

/** What a stop asks of those who serve. */
export abstract class StopActions {
  /** Closes the listeners, starts nothing any more, and thaws what was frozen: a frozen process does not act on SIGTERM. */
  abstract refuseWork(): void;
}

const enum Phase {
  RUNNING,
  /** Every process has been asked to end. */
  GRACE,
  /** Every process has been killed. */
  KILL,
  /** The disks are being written. */
  SYNC,
  /** File systems are being unmounted. */
  UNMOUNT,
  /** What unmounting has left to write. */
  LAST_SYNC,
  /** The machine ends here. */
  END,
  /** It has not: the hard way. */
  RESET,
}

/** Milliseconds. */
const KILL_LIMIT = 300;
const SYNC_LIMIT = 4000;
const UNMOUNT_LIMIT = 1000;
const LAST_SYNC_LIMIT = 1000;
const RESET_DELAY = 1000;
/** From the end of the grace to the end of all. */
const WATCHDOG_LIMIT = 6500;

/** Stops the machine once. What may block for ever is done in children, for which nobody waits longer than the limits. */
export class StopSequence {
  private readonly loop: Loop;
  private readonly reaper: Reaper;
  private readonly choice: StopChoice;
  private readonly graceMs: number;
  private readonly machine: Machine;
  private readonly actions: StopActions;
  private readonly limit = new Timer(() => this.enter(this.phase + 1));
  private readonly watchdog = new Timer(() => this.onWatchdog());
  private phase: Phase = Phase.RUNNING;
  private command: Reboot = Reboot.POWER_OFF;

  /** `graceMs`: milliseconds from SIGTERM to SIGKILL. The reaper must be told of every SIGCHLD. */
  constructor(
    loop: Loop,
    reaper: Reaper,
    choice: StopChoice,
    graceMs: number,
    machine: Machine,
    actions: StopActions,
  ) {
    this.loop = loop;
    this.reaper = reaper;
    this.choice = choice;
    this.graceMs = graceMs;
    this.machine = machine;
    this.actions = actions;
  }

  get isStopping(): boolean {
    return this.phase !== Phase.RUNNING;
  }

  /** Begins the stop, and returns; a second time it cuts the grace short. `why` is for the log. */
  begin(why: string, wish: StopWish): void {
    if (this.isStopping) {
      log(Level.INFO, `stopping at once: ${why}`);
      if (this.phase === Phase.GRACE) this.enter(Phase.KILL);
      return;
    }
    log(Level.INFO, `stopping: ${why}`);
    this.command = this.choice.command(wish);
    this.loop.timers.start(this.watchdog, this.graceMs + WATCHDOG_LIMIT);
    this.enter(Phase.GRACE);
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    switch (phase) {
      case Phase.GRACE:
        this.loop.timers.start(this.limit, this.graceMs);
        this.askToEnd();
        return;
      case Phase.KILL:
        this.loop.timers.start(this.limit, KILL_LIMIT);
        log(Level.INFO, "killing what has not ended");
        this.machine.signalAll(Signal.KILL);
        return;
      case Phase.SYNC:
        this.loop.timers.start(this.limit, SYNC_LIMIT);
        this.startChild(() => this.machine.sync(), phase);
        return;
      case Phase.UNMOUNT:
        this.loop.timers.start(this.limit, UNMOUNT_LIMIT);
        // The init of a namespace leaves mounts alone, and has nothing more to write.
        if (this.machine.isWhole) this.startChild(this.machine.unmounting(), phase);
        else this.enter(Phase.END);
        return;
      case Phase.LAST_SYNC:
        this.loop.timers.start(this.limit, LAST_SYNC_LIMIT);
        this.startChild(() => this.machine.sync(), phase);
        return;
      case Phase.END:
        this.loop.timers.cancel(this.limit);
        this.loop.timers.cancel(this.watchdog);
        this.end();
        return;
      case Phase.RESET:
        this.machine.request(SysRq.RESTART);
        return;
    }
  }

  /** Goes on to the next phase, where this one still lasts. */
  private leave(phase: Phase): void {
    if (this.phase === phase) this.enter(phase + 1);
  }

  private askToEnd(): void {
    this.refuseWork();
    // Most of the writing is done while processes end. The child has SIGTERM blocked, as this process has.
    this.startChild(() => this.machine.sync(), Phase.RUNNING);
    this.machine.signalAll(Signal.TERM);
    this.machine.signalAll(Signal.CONT);
    // That child is waited for like any other: what it has not written when the grace ends, the next sync has to.
    this.reaper.awaitNone(() => this.onNoneLeft());
  }

  private onNoneLeft(): void {
    if (this.phase === Phase.GRACE || this.phase === Phase.KILL) this.enter(Phase.SYNC);
  }

  private refuseWork(): void {
    try {
      this.actions.refuseWork();
    } catch (error) {
      log(Level.ERROR, `stopping: ${error instanceof Error ? error.message : ""}`);
    }
  }

  /** Does work in a child, whose end ends a phase; Phase.RUNNING, which is over, for none. */
  private startChild(work: () => void, phase: Phase): void {
    try {
      this.reaper.work(work, () => this.leave(phase));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.WARN, `stopping: ${error.describe()}`);
      this.leave(phase);
    }
  }

  private onWatchdog(): void {
    log(Level.WARN, "stopping takes too long");
    this.enter(Phase.END);
  }

  private end(): void {
    const result = this.machine.reboot(this.command);
    // Only a failure comes back.
    log(Level.ERROR, `reboot: ${errnoText(-result)}`);
    if (!this.machine.isWhole) return;
    if (this.command === Reboot.AUTOBOOT) {
      this.enter(Phase.RESET);
      return;
    }
    // The kernel does it a little later.
    this.machine.request(SysRq.POWER_OFF);
    this.loop.timers.start(this.limit, RESET_DELAY);
  }
}
