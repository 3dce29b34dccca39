/** A worker as its supervisor sees it: its process, the channel to it, and whether it still answers. */
import { ChannelPair, type Message } from "../sys/channel.ts";
import { close } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { isStopped } from "../sys/proc.ts";
import { sendSignal } from "../sys/process.ts";
import { launchSelf } from "../sys/self.ts";
import { Signal } from "../sys/signals.ts";
import { ChannelEnd } from "./channel-end.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import { AGAIN, LISTEN, PING, PONG } from "./messages.ts";

/** How often a worker is to be asked whether it is there; milliseconds. */
export const PING_INTERVAL_MS = 10_000;
/** Questions without an answer after which it hangs: 30 s after the first of them. */
const PATIENCE = 3;

export class WorkerProcess extends ChannelEnd {
  readonly pid: number;
  private readonly store: DescriptorStore;
  private unanswered = 0;

  private constructor(loop: Loop, store: DescriptorStore, pid: number, channel: number) {
    super(loop, channel);
    this.store = store;
    this.pid = pid;
  }

  /**
   * Starts a worker. `words` are its options, `environment` the address of its environment vector. Throws SysError where
   * it could not fork.
   */
  static start(loop: Loop, store: DescriptorStore, words: string[], recordFile: number, environment: number): WorkerProcess {
    const ends = ChannelPair.open();
    try {
      const all = ["--worker", `${ends.theirs},${recordFile}`].concat(words);
      const pid = launchSelf(all, ends.theirs, recordFile, environment);
      return new WorkerProcess(loop, store, pid, ends.ours);
    } catch (error) {
      close(ends.ours);
      throw error;
    } finally {
      close(ends.theirs);
    }
  }

  /** A worker that an earlier image of this process has started. */
  static resume(loop: Loop, store: DescriptorStore, pid: number, channel: number): WorkerProcess {
    const worker = new WorkerProcess(loop, store, pid, channel);
    worker.say(AGAIN, []);
    return worker;
  }

  /** Hands a listener over. */
  listen(address: string, fd: number): void {
    this.say(LISTEN + address, [fd]);
  }

  /** Sends a signal. The worker must not have been reaped. */
  signal(signal: number): void {
    sendSignal(this.pid, signal);
  }

  /** It has ended: takes what it has still said, and gives back what it had of ours. */
  dispose(): void {
    this.read();
    this.discard();
    close(this.fd);
  }

  override onMessage(message: Message): void {
    if (message.text === PONG) this.unanswered = 0;
    else if (!this.store.take(message)) for (const fd of message.fds) close(fd);
  }

  /** The end of the channel: its exit tells the rest. */
  override onEnd(): void {
    this.loop.remove(this);
  }

  /** Asks whether it is there, and kills it where it has not answered for too long. */
  ask(): void {
    // Somebody holds it on purpose: a debugger, or SIGSTOP.
    if (this.unanswered > 0 && isStopped(this.pid)) {
      this.unanswered = 0;
      return;
    }
    if (this.unanswered >= PATIENCE) {
      log(Level.ERROR, `worker ${this.pid} hangs: it is killed`);
      return this.signal(Signal.KILL);
    }
    this.unanswered++;
    this.say(PING, []);
  }
}
