/** The descriptors that outlive a worker, with what it has to say of them: processes' pipes and terminals; lifecycle.md 1.13. */
import type { Message } from "../sys/channel.ts";
import { close } from "../sys/file.ts";
import { raiseFileLimit } from "../sys/limits.ts";
import { Level, log } from "../sys/log.ts";
import type { ChannelEnd } from "./channel-end.ts";
import { DROP, EXITED, KEEP, KEPT } from "./messages.ts";

/** Descriptors that are kept. */
const MAX_FDS = 4096;
/** What any limit on descriptors leaves room for. */
const USUAL_FDS = 256;
const NONE = -1;

class Kept {
  readonly pid: number;
  readonly text: string;
  readonly fds: number[];
  /** The status of the process, where it has ended without a worker of its own. */
  status: number | undefined;

  constructor(pid: number, text: string, fds: number[]) {
    this.pid = pid;
    this.text = text;
    this.fds = fds;
  }
}

export class DescriptorStore {
  private readonly kept = new Map<string, Kept>();
  private count = 0;
  private hasRaised = false;

  /** Takes a message of a worker. Returns false where it is not about the store. */
  take(message: Message): boolean {
    const { text, fds } = message;
    if (text.startsWith(KEEP)) {
      const words = text.slice(KEEP.length);
      this.keep(words.split(" "), words, fds);
      return true;
    }
    if (!text.startsWith(DROP)) return false;
    this.drop(text.slice(DROP.length));
    return true;
  }

  /** Hands everything to a worker. */
  handTo(worker: ChannelEnd): void {
    for (const kept of this.kept.values()) {
      worker.say(KEPT + kept.text, kept.fds);
      if (kept.status !== undefined) worker.say(exitedText(kept.pid, kept.status), []);
    }
  }

  /**
   * A process that is no child of anybody's has ended. Returns whether the worker is to hear of it; each one that comes
   * later will.
   */
  onExit(pid: number, status: number): boolean {
    for (const kept of this.kept.values()) {
      if (kept.pid !== pid || kept.status !== undefined) continue;
      kept.status = status;
      return true;
    }
    return false;
  }

  private keep(words: string[], text: string, fds: number[]): void {
    const key = words.at(0) ?? "";
    const status = this.kept.get(key)?.status;
    // (A Map keeps the place of a key whose value is replaced: the order stays that of the start.)
    this.release(this.kept.get(key));
    if (this.count + fds.length > MAX_FDS) {
      log(Level.WARN, `more than ${MAX_FDS} descriptors to keep: a process will not outlive its worker`);
      for (const fd of fds) close(fd);
      this.kept.delete(key);
      return;
    }
    const kept = new Kept(Number(words.at(1) ?? NONE), text, fds);
    kept.status = status;
    this.count += fds.length;
    this.kept.set(key, kept);
    if (this.count < USUAL_FDS || this.hasRaised) return;
    // What does not fit in when it comes would be lost.
    this.hasRaised = true;
    raiseFileLimit();
  }

  private drop(key: string): void {
    this.release(this.kept.get(key));
    this.kept.delete(key);
  }

  private release(kept: Kept | undefined): void {
    if (kept === undefined) return;
    this.count -= kept.fds.length;
    for (const fd of kept.fds) close(fd);
  }
}

/** What a worker is told of a process that has ended. */
export function exitedText(pid: number, status: number): string {
  return `${EXITED}${pid} ${status}`;
}
