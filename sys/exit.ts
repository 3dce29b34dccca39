/** Noticing that a child has ended: pidfd_open(2) where the kernel has it, SIGCHLD otherwise. Never a poll. */
import { close } from "./file.ts";
import { type Loop, Ready, Source } from "./loop.ts";
import { openPidfd } from "./pidfd.ts";
import { hasEnded } from "./process.ts";
import { SignalBit, SignalSource } from "./signals.ts";

/** Waits for one child. */
export class ExitWatch extends Source {
  readonly pid: number;
  private readonly watcher: ExitWatcher;
  private onEnd: (() => void) | undefined;

  constructor(watcher: ExitWatcher, pid: number, pidfd: number, onEnd: () => void) {
    super(pidfd);
    this.pid = pid;
    this.watcher = watcher;
    this.onEnd = onEnd;
  }

  /** A pidfd is readable when its process has ended. */
  override onReady(_ready: number): void {
    this.tell();
  }

  /** Tells where the child has ended. */
  poll(): void {
    if (hasEnded(this.pid)) this.tell();
  }

  private tell(): void {
    const onEnd = this.onEnd;
    if (onEnd === undefined) return;
    this.onEnd = undefined;
    this.watcher.forget(this);
    onEnd();
  }
}

class ChildSignals extends SignalSource {
  private readonly watcher: ExitWatcher;

  constructor(watcher: ExitWatcher) {
    super(SignalBit.CHLD);
    this.watcher = watcher;
  }

  override onSignal(_signal: number): void {
    this.watcher.pollAll();
  }
}

/** Watches children on a loop. */
export class ExitWatcher {
  private readonly loop: Loop;
  /** Children without a pidfd. */
  private bySignal: ExitWatch[] = [];
  private signals: ChildSignals | undefined;

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /**
   * Calls `onEnd` once when the child has ended, possibly before this returns. It is a zombie then, until the caller has
   * no more use for its pid and takes its status with `reap`.
   */
  watch(pid: number, onEnd: () => void): void {
    const pidfd = openPidfd(pid);
    const watch = new ExitWatch(this, pid, pidfd, onEnd);
    if (pidfd >= 0) {
      this.loop.add(watch, Ready.READABLE);
      return;
    }
    // No such call, or no descriptor left: a SIGCHLD makes us ask for each of ours, and for no other.
    if (this.signals === undefined) {
      this.signals = new ChildSignals(this);
      this.loop.add(this.signals, Ready.READABLE);
    }
    this.bySignal.push(watch);
    // It may have ended before its signal had a reader.
    watch.poll();
  }

  forget(watch: ExitWatch): void {
    if (watch.fd >= 0) {
      this.loop.remove(watch);
      close(watch.fd);
      watch.fd = -1;
      return;
    }
    this.bySignal = this.bySignal.filter((other) => other !== watch);
  }

  pollAll(): void {
    for (const watch of this.bySignal.slice()) watch.poll();
  }
}
