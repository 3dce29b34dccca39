/** The parent of the worker: owns the listeners, so that none is ever closed, and starts a worker whenever none is there. */
import type { Address } from "../sys/address.ts";
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { takeGroups } from "../sys/groups.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { isChild, killGroup } from "../sys/process.ts";
import { GROUPS_OFFSET } from "../sys/record.ts";
import { Listener } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import type { Reaper } from "./reaper.ts";
import { DescriptorStore, exitedText } from "./descriptor-store.ts";
import { PING_INTERVAL_MS, WorkerProcess } from "./worker-process.ts";

/** The pause before a worker that follows one which did not live long; doubled each time. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1000;
/** A worker was healthy that has lived so many times the pause which its death would cost: 10 s for the longest. */
const HEALTHY_FACTOR = 10;
const UNKNOWN_STATUS = 255;

/** Who is told of a worker's end. */
export abstract class SupervisorOwner {
  /** Called after the end of a worker, whose exit code or negative signal `status` is. Returns whether another is wanted. */
  abstract wantsWorker(status: number): boolean;

  /** Called when a worker runs, with its pid and our end of its channel, and when none does, with 0 and -1. */
  onWorker(_pid: number, _channel: number): void {}
}

export class Supervisor {
  private readonly loop: Loop;
  private readonly reaper: Reaper;
  private readonly owner: SupervisorOwner;
  private readonly words: string[];
  /** What only the next worker is told. */
  private once: string[] = [];
  /** The address of the worker's environment vector. */
  private readonly environment: number;
  readonly recordFile: number;
  private readonly listeners: Listener[] = [];
  private readonly restart = new Timer(() => this.start());
  readonly store = new DescriptorStore();
  private readonly question = new Timer(() => this.ask());
  private worker: WorkerProcess | undefined;
  private startTime = 0;
  private pause = 0;

  /** `words` are the options of a worker. `recordFile` is the supervisor's from now on. */
  constructor(loop: Loop, reaper: Reaper, owner: SupervisorOwner, words: string[], environment: number, recordFile: number) {
    this.loop = loop;
    this.reaper = reaper;
    this.owner = owner;
    this.words = words;
    this.environment = environment;
    this.recordFile = recordFile;
    reaper.onOrphan = (pid, status) => {
      if (this.store.onExit(pid, status)) this.worker?.say(exitedText(pid, status), []);
    };
  }

  /** Tells the next worker, and none after it, these words too. */
  addOnce(words: string[]): void {
    this.once = words;
  }

  /** The pid of the worker that runs, 0 where none does. */
  get workerPid(): number {
    return this.worker?.pid ?? 0;
  }

  /** Whether anything can be accepted. */
  get accepts(): boolean {
    return this.listeners.some((listener) => listener.accepts);
  }

  /** Opens a listener, which the worker serves from now on. Throws SysError or AddressError. */
  listen(address: Address): void {
    this.adopt(Listener.open(address));
  }

  /** Takes over a listener. */
  adopt(listener: Listener): void {
    this.listeners.push(listener);
    this.worker?.listen(listener.address.text, listener.fd);
  }

  /** Starts a worker, and another whenever it ends. */
  start(): void {
    this.startTime = monotonicNow();
    try {
      const words = this.words.concat(this.once);
      this.attach(WorkerProcess.start(this.loop, this.store, words, this.recordFile, this.environment));
      this.once = [];
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.ERROR, `cannot start a worker: ${error.describe()}`);
      this.startLater();
    }
  }

  /** Goes on with a worker that runs. */
  resume(worker: WorkerProcess): void {
    this.startTime = monotonicNow();
    this.worker = worker;
    this.loop.timers.start(this.question, PING_INTERVAL_MS);
    if (isChild(worker.pid)) this.awaitExit(worker);
    // Its status was the last thing that the earlier image took.
    else this.onExit(worker, UNKNOWN_STATUS);
  }

  /** Sends the worker a signal, where one runs. */
  signal(signal: number): void {
    this.worker?.signal(signal);
  }

  /** Stops listening. What the worker has of the listeners is its own to close. */
  close(): void {
    this.loop.timers.cancel(this.restart);
    for (const listener of this.listeners.splice(0)) listener.close();
  }

  private attach(worker: WorkerProcess): void {
    this.worker = worker;
    this.loop.timers.start(this.question, PING_INTERVAL_MS);
    this.owner.onWorker(worker.pid, worker.fd);
    this.store.handTo(worker);
    for (const listener of this.listeners) worker.listen(listener.address.text, listener.fd);
    // A connection is one worker's only.
    for (const listener of this.listeners.splice(0)) {
      if (listener.accepts) this.listeners.push(listener);
      else listener.close();
    }
    this.awaitExit(worker);
  }

  private ask(): void {
    this.loop.timers.start(this.question, PING_INTERVAL_MS);
    this.worker?.ask();
  }

  private awaitExit(worker: WorkerProcess): void {
    this.reaper.watch(worker.pid, (status) => this.onExit(worker, status));
  }

  private onExit(worker: WorkerProcess, status: number): void {
    this.loop.timers.cancel(this.question);
    worker.dispose();
    this.worker = undefined;
    this.owner.onWorker(0, -1);
    // What ran for a connection has nobody any more.
    for (const pid of takeGroups(this.recordFile, GROUPS_OFFSET)) killGroup(pid);
    if (!this.owner.wantsWorker(status)) return;
    const how = status < 0 ? `was killed by signal ${-status}` : `ended with ${status}`;
    log(Level.ERROR, `worker ${worker.pid} ${how}: starting another`);
    this.startLater();
  }

  /** At once for the first, then after longer and longer pauses. */
  private startLater(): void {
    if (monotonicNow() - this.startTime >= this.pause * HEALTHY_FACTOR) this.pause = 0;
    const pause = this.pause;
    this.pause = pause === 0 ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
    if (pause === 0) this.start();
    else this.loop.timers.start(this.restart, pause);
  }
}
