/** A process that was started for a caller: its outputs, its input, its subscribers, and its end; envd-rpc.md 3. */
import { Code } from "../../connect/code.ts";
import { RpcError } from "../../connect/error.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { close } from "../../sys/file.ts";
import type { Loop } from "../../sys/loop.ts";
import { openPidfd, signalPidfd } from "../../sys/pidfd.ts";
import { takeStatus, trySignal } from "../../sys/process.ts";
import { setWindowSize } from "../../sys/pty.ts";
import { Signal } from "../../sys/signals.ts";
import type { Started } from "../../sys/start.ts";
import { Timer } from "../../sys/timer.ts";
import { endResponse, UNKNOWN_STATUS } from "./exit-status.ts";
import type { Frame } from "./frame.ts";
import { InputQueue } from "./input-queue.ts";
import type { Keeper } from "./keeper.ts";
import { KeptProcess, Letter } from "./kept.ts";
import { eventFrame } from "./messages.ts";
import { Origin, OutputEvent, type OutputEvents } from "./output-event.ts";
import { OutputReader, OutputSource } from "./output-source.ts";
import { Publisher, type Subscriber } from "./subscriber.ts";

/** How long a full subscriber may take nothing while others wait for it. */
const PATIENCE_MS = 60_000;

/** Where processes are entered. */
export abstract class ProcessOwner {
  readonly loop: Loop;
  readonly events: OutputEvents;
  readonly keeper: Keeper | undefined;

  /** `keeper` keeps what is to outlive this process of the agent. */
  constructor(loop: Loop, events: OutputEvents, keeper: Keeper | undefined) {
    this.loop = loop;
    this.events = events;
    this.keeper = keeper;
  }

  /** A process has ended, with what `takeStatus` tells or UNKNOWN_STATUS: from now on it is only remembered. */
  abstract retire(process: Process, status: number): void;
}

/** Forwards what its outputs say. (An object cannot be both a Publisher and an OutputReader.) */
class Outputs extends OutputReader {
  private readonly process: Process;

  constructor(process: Process) {
    super();
    this.process = process;
  }

  override onOutput(origin: Origin, bytes: Uint8Array, end: number): void {
    this.process.onOutput(origin, bytes, end);
  }

  override onOutputEnd(): void {
    this.process.onOutputEnd();
  }
}

export class Process extends Publisher {
  readonly pid: number;
  /** Undefined where it was given none. */
  readonly tag: string | undefined;
  /** Which of all it was; only the table writes it. */
  order = 0;
  /** Its ProcessConfig as it was sent, in the binary encoding. */
  readonly config: Uint8Array;
  /** -1 where it runs on pipes. */
  readonly terminal: number;
  readonly input: InputQueue;
  private readonly owner: ProcessOwner;
  private readonly outputs: OutputSource[] = [];
  private readonly subscribers: Subscriber[] = [];
  private fullCount = 0;
  /** What `takeStatus` has told; undefined while the leader runs. */
  private status: number | undefined;
  /** It was told to end: its end does not wait for those that hold its outputs. */
  private isMarked = false;
  private isEnded = false;
  private lifetime: Timer | undefined;
  private deadline = Infinity;
  private key: string;
  private isAdopted = false;
  /** Of a process that is no child of ours; else -1. */
  private pidfd = -1;
  private readonly patience = new Timer(() => this.evict());

  /** Takes over the descriptors of what was started. Nothing is read before `run`. */
  constructor(owner: ProcessOwner, started: Started, tag: string | undefined, config: Uint8Array) {
    super();
    this.owner = owner;
    this.pid = started.pid;
    this.tag = tag;
    this.config = config;
    this.key = `${started.pid}-${Math.floor(monotonicNow())}`;
    this.terminal = started.terminal;
    const loop = owner.loop;
    const reader = new Outputs(this);
    const onClosed = (): void => this.keep();
    if (started.terminal >= 0) {
      this.input = new InputQueue(loop, started.terminal, true, onClosed);
      this.outputs.push(new OutputSource(loop, owner.events, reader, started.terminal, Origin.PTY));
      return;
    }
    this.input = new InputQueue(loop, started.stdin, false, onClosed);
    this.outputs.push(new OutputSource(loop, owner.events, reader, started.stdout, Origin.STDOUT));
    this.outputs.push(new OutputSource(loop, owner.events, reader, started.stderr, Origin.STDERR));
  }

  /** Goes on with what another worker has started. */
  static adopt(owner: ProcessOwner, kept: KeptProcess): Process {
    const process = new Process(owner, kept.ends(), kept.tag, kept.config);
    process.key = kept.key;
    process.isAdopted = true;
    process.pidfd = kept.fd(Letter.PIDFD);
    process.status = kept.status;
    process.isMarked = kept.isMarked;
    if (kept.deadline !== Infinity) process.limit(Math.max(kept.deadline - monotonicNow(), 0), undefined);
    return process;
  }

  get isOnTerminal(): boolean {
    return this.terminal >= 0;
  }

  /** Begins to read its outputs. */
  run(): void {
    this.updateReading();
    this.endIfDone();
  }

  /** Adds a subscriber, who gets its start and all that comes from now on. */
  subscribe(subscriber: Subscriber): void {
    this.subscribers.push(subscriber);
    subscriber.begin(this, this.pid);
    // Somebody is there now for whom another one may hold up the process.
    if (this.fullCount > 0) this.updateReading();
  }

  /** Ends it after so many milliseconds, and for `starter`, where there is one, with an error. */
  limit(milliseconds: number, starter: Subscriber | undefined): void {
    this.deadline = monotonicNow() + milliseconds;
    const timer = new Timer(() => {
      starter?.fail(new RpcError(Code.DEADLINE_EXCEEDED, "context deadline exceeded"));
      this.signal(Signal.KILL);
    });
    this.lifetime = timer;
    this.owner.loop.timers.start(timer, milliseconds);
  }

  /** Sends SIGTERM or SIGKILL to the leader. Returns whether that was there. */
  signal(signal: number): boolean {
    this.isMarked = true;
    // From when its status has been taken on, the pid may be somebody else's.
    let isSent = this.status !== undefined;
    if (!isSent) isSent = this.pidfd >= 0 ? signalPidfd(this.pidfd, signal) : trySignal(this.pid, signal);
    this.endIfDone();
    this.keep();
    return isSent;
  }

  /** Sets the size of its terminal, in characters. */
  resize(columns: number, rows: number): void {
    setWindowSize(this.terminal, columns, rows);
  }

  /** The leader has ended, and nobody has taken its status yet. */
  onExit(): void {
    this.onStatus(takeStatus(this.pid) ?? UNKNOWN_STATUS);
  }

  /** Whether it is another worker's child, of whose end nobody has told yet. */
  get isAwaited(): boolean {
    return this.isAdopted && this.status === undefined;
  }

  /** The leader has ended with a status of `takeStatus`, or UNKNOWN_STATUS. */
  onStatus(status: number): void {
    if (this.status !== undefined) return;
    this.status = status;
    this.endIfDone();
    this.keep();
  }

  /** Has the descriptors kept for the next worker, as they are now. */
  keep(): void {
    const keeper = this.owner.keeper;
    if (keeper === undefined || this.isEnded) return;
    const kept = new KeptProcess(this.key, this.pid);
    kept.tag = this.tag;
    kept.config = this.config;
    kept.status = this.status;
    kept.isMarked = this.isMarked;
    kept.deadline = this.deadline;
    kept.add(Letter.STDIN, this.input.kept);
    kept.add(Letter.TERMINAL, this.terminal);
    if (!this.isOnTerminal) {
      kept.add(Letter.STDOUT, this.outputs.at(0)?.kept ?? -1);
      kept.add(Letter.STDERR, this.outputs.at(1)?.kept ?? -1);
    }
    const opened = this.pidfd < 0 && this.status === undefined ? openPidfd(this.pid) : -1;
    kept.add(Letter.PIDFD, opened >= 0 ? opened : this.pidfd);
    kept.send(keeper);
    if (opened >= 0) close(opened);
  }

  onOutput(origin: Origin, bytes: Uint8Array, end: number): void {
    if (this.subscribers.length === 0) return this.owner.events.give(bytes);
    const event = new OutputEvent(this.owner.events, origin, bytes, end);
    // Downwards: one may leave.
    for (let i = this.subscribers.length - 1; i >= 0; i--) this.subscribers.at(i)?.sendOutput(event);
    event.release();
  }

  onOutputEnd(): void {
    if (!this.hasOutput) for (const subscriber of this.subscribers) subscriber.silence();
    this.endIfDone();
  }

  override onFullness(isFull: boolean): void {
    this.fullCount += isFull ? 1 : -1;
    this.updateReading();
  }

  override onLeft(subscriber: Subscriber): void {
    const index = this.subscribers.indexOf(subscriber);
    if (index >= 0) this.subscribers.splice(index, 1);
    if (subscriber.isFull) this.fullCount -= 1;
    this.updateReading();
  }

  private get hasOutput(): boolean {
    return this.outputs.some((output) => output.isOpen);
  }

  /** Its outputs are read while nobody's queue is full. */
  private updateReading(): void {
    if (this.isEnded) return;
    const isReading = this.fullCount === 0;
    for (const output of this.outputs) output.setReading(isReading);
    const timers = this.owner.loop.timers;
    if (isReading || this.subscribers.length < 2) timers.cancel(this.patience);
    else if (this.patience.slot < 0) timers.start(this.patience, PATIENCE_MS);
  }

  /** Leaves behind who holds up the others. */
  private evict(): void {
    const now = monotonicNow();
    let next = PATIENCE_MS;
    for (const subscriber of this.subscribers.slice()) {
      if (!subscriber.isFull || this.subscribers.length < 2) continue;
      const left = subscriber.stalledSince + PATIENCE_MS - now;
      if (left <= 0) subscriber.fail(new RpcError(Code.ABORTED, "subscriber too slow"));
      else next = Math.min(next, left);
    }
    if (this.fullCount > 0 && this.subscribers.length >= 2) this.owner.loop.timers.start(this.patience, next);
  }

  private endIfDone(): void {
    const status = this.status;
    if (status === undefined || this.isEnded || (this.hasOutput && !this.isMarked)) return;
    // What has been written so far is not lost.
    for (const output of this.outputs) output.drain();
    this.isEnded = true;
    const timers = this.owner.loop.timers;
    timers.cancel(this.patience);
    if (this.lifetime !== undefined) timers.cancel(this.lifetime);
    // Who sees the end does not find it any more.
    this.owner.retire(this, status);
    this.input.abandon();
    if (this.isOnTerminal) close(this.terminal);
    if (this.pidfd >= 0) close(this.pidfd);
    this.owner.keeper?.drop(this.key);
    this.publishEnd(status);
  }

  private publishEnd(status: number): void {
    const subscribers = this.subscribers.splice(0);
    let binary: Frame | undefined;
    let text: Frame | undefined;
    for (const subscriber of subscribers) {
      let frame = subscriber.isJson ? text : binary;
      if (frame === undefined) frame = eventFrame(endResponse(status), subscriber.isJson);
      if (subscriber.isJson) text = frame;
      else binary = frame;
      subscriber.finish(frame);
    }
  }
}
