/** A worker as its supervisor sees it: its process, the channel to it, and whether it still answers. */
import { ChannelPair, receiveMessage, sendMessage } from "../sys/channel.ts";
import { SysError } from "../sys/errno.ts";
import { close } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { type Loop, Ready, Source } from "../sys/loop.ts";
import { isStopped } from "../sys/proc.ts";
import { sendSignal } from "../sys/process.ts";
import { launchSelf } from "../sys/self.ts";
import { Signal } from "../sys/signals.ts";
import { LISTEN, PING, PONG } from "./messages.ts";

/** How often a worker is to be asked whether it is there; milliseconds. */
export const PING_INTERVAL_MS = 10_000;
/** Questions without an answer after which it hangs: 30 s after the first of them. */
const PATIENCE = 3;

export class WorkerProcess extends Source {
  readonly pid: number;
  private readonly loop: Loop;
  private unanswered = 0;

  private constructor(loop: Loop, pid: number, channel: number) {
    super(channel);
    this.loop = loop;
    this.pid = pid;
    loop.add(this, Ready.READABLE);
  }

  /**
   * Starts a worker. `words` are its options, `environment` the address of its environment vector. Throws SysError where
   * it could not fork.
   */
  static start(loop: Loop, words: string[], recordFile: number, environment: number): WorkerProcess {
    const ends = ChannelPair.open();
    try {
      const all = ["--worker", `${ends.theirs},${recordFile}`].concat(words);
      const pid = launchSelf(all, ends.theirs, recordFile, environment);
      return new WorkerProcess(loop, pid, ends.ours);
    } catch (error) {
      close(ends.ours);
      throw error;
    } finally {
      close(ends.theirs);
    }
  }

  /** A worker that an earlier image of this process has started. */
  static resume(loop: Loop, pid: number, channel: number): WorkerProcess {
    return new WorkerProcess(loop, pid, channel);
  }

  /** Hands a listener over. */
  listen(address: string, fd: number): void {
    const result = sendMessage(this.fd, LISTEN + address, fd);
    if (result < 0) log(Level.ERROR, new SysError("sendmsg", -result, address).describe());
  }

  /** Sends a signal. The worker must not have been reaped. */
  signal(signal: number): void {
    sendSignal(this.pid, signal);
  }

  /** It has ended: gives back what it had of ours. */
  dispose(): void {
    this.loop.remove(this);
    close(this.fd);
  }

  override onReady(_ready: number): void {
    for (;;) {
      const message = receiveMessage(this.fd);
      if (message === undefined) return;
      // The end of the channel: its exit tells the rest.
      if (message.text === "") return this.loop.remove(this);
      if (message.fd >= 0) close(message.fd);
      if (message.text === PONG) this.unanswered = 0;
    }
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
    sendMessage(this.fd, PING, -1);
  }
}
