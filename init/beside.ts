/** The agent beside another init: a supervisor that ends when it is told to, and a worker; lifecycle.md 0. */
import { environAddress } from "#libc";
import type { EnvdOptions } from "../envd/options.ts";
import type { Address } from "../sys/address.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log, logLevelName } from "../sys/log.ts";
import { Loop, Ready } from "../sys/loop.ts";
import { createRecordFile } from "../sys/record.ts";
import { Signal, SignalBit, SignalSource } from "../sys/signals.ts";
import { Timer } from "../sys/timer.ts";
import { listenErrorText } from "./listening.ts";
import { Reaper } from "./reaper.ts";
import { DRAIN_LIMIT_MS } from "./serving.ts";
import { Supervisor, SupervisorOwner } from "./supervisor.ts";

/** How much longer than it gives its requests a worker that is told to stop may take; milliseconds. */
const GRACE_MS = 2000;
const EXIT_FAILURE = 1;

class Signals extends SignalSource {
  private readonly owner: Beside;
  private readonly reaper: Reaper;

  constructor(owner: Beside, reaper: Reaper) {
    super(SignalBit.TERM + SignalBit.INT + SignalBit.CHLD);
    this.owner = owner;
    this.reaper = reaper;
  }

  override onSignal(signal: number): void {
    if (signal === Signal.CHLD) this.reaper.reap();
    else this.owner.stop(signal);
  }
}

class Beside extends SupervisorOwner {
  private readonly loop = new Loop();
  private readonly supervisor: Supervisor;
  private readonly deadline = new Timer(() => this.supervisor.signal(Signal.KILL));
  private isStopping = false;
  private exitCode = 0;

  constructor(logTarget: string, options: EnvdOptions) {
    super();
    const reaper = new Reaper(this.loop);
    const words = ["--log", logLevelName()].concat(options.words());
    if (logTarget !== "") words.push("--log-to", logTarget);
    this.supervisor = new Supervisor(this.loop, reaper, this, words, environAddress(), createRecordFile());
    this.supervisor.addOnce(options.commandWords());
    this.loop.add(new Signals(this, reaper), Ready.READABLE);
  }

  /** Returns the exit code. */
  run(addresses: Address[]): number {
    for (const address of addresses) {
      try {
        this.supervisor.listen(address);
        log(Level.INFO, `listening on ${address.text}`);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        log(Level.ERROR, listenErrorText(address, error));
        this.supervisor.close();
        return EXIT_FAILURE;
      }
    }
    this.supervisor.start();
    this.loop.run();
    this.supervisor.close();
    return this.exitCode;
  }

  /** Has the worker end what it does, by force where it takes too long. */
  stop(signal: number): void {
    if (this.isStopping) return this.supervisor.signal(Signal.KILL);
    log(Level.INFO, `stopping: ${signal === Signal.TERM ? "SIGTERM" : "SIGINT"}`);
    this.isStopping = true;
    // Whoever comes now is refused.
    this.supervisor.close();
    if (this.supervisor.workerPid === 0) return this.loop.stop();
    this.loop.timers.start(this.deadline, DRAIN_LIMIT_MS + GRACE_MS);
    this.supervisor.signal(Signal.TERM);
  }

  override wantsWorker(status: number): boolean {
    if (!this.isStopping && this.supervisor.accepts) return true;
    if (!this.isStopping && status !== 0) this.exitCode = EXIT_FAILURE;
    this.loop.stop();
    return false;
  }
}

/** Serves the addresses until a signal or the end of an inherited connection. Returns the exit code. */
export function runBeside(addresses: Address[], logTarget: string, options: EnvdOptions): number {
  return new Beside(logTarget, options).run(addresses);
}
