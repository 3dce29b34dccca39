/** A process as it is handed from one worker to the next: words, and descriptors that each have a letter. */
import { Message } from "../../connect/message.ts";
import { checkMessage } from "../../connect/wire.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { base64Text, decodeBase64 } from "../../sys/base64.ts";
import { close, fstat } from "../../sys/file.ts";
import { createMemoryFile, readAt, writeAt } from "../../sys/memory-file.ts";
import { Started } from "../../sys/start.ts";
import type { Keeper } from "./keeper.ts";
import { processSchema } from "./messages.ts";

const NONE = "-";
/** A process's description that is longer goes into a memory file of its own: a message has bounds. */
const MAX_INLINE = 2048;

/** What a descriptor is. */
export const enum Letter {
  PIDFD = "p",
  STDIN = "i",
  STDOUT = "o",
  STDERR = "e",
  TERMINAL = "t",
  /** The description. */
  INFO = "d",
}

export class KeptProcess {
  readonly key: string;
  readonly pid: number;
  tag: string | undefined;
  /** Its ProcessConfig, in the binary encoding. */
  config: Uint8Array = new Uint8Array(0);
  /** As `takeStatus` has it; undefined while it runs. */
  status: number | undefined;
  isMarked = false;
  /** When its time is up, on the monotonic clock; Infinity where it has no limit. */
  deadline = Infinity;
  private letters = "";
  private readonly fds: number[] = [];

  constructor(key: string, pid: number) {
    this.key = key;
    this.pid = pid;
  }

  /** Adds a descriptor, which stays whose it is; -1 is none. */
  add(letter: Letter, fd: number): void {
    if (fd < 0) return;
    this.letters += letter;
    this.fds.push(fd);
  }

  /** A descriptor, -1 where there is none. */
  fd(letter: Letter): number {
    const index = this.letters.indexOf(letter);
    return index < 0 ? -1 : (this.fds.at(index) ?? -1);
  }

  /** Has a keeper keep it. */
  send(keeper: Keeper): void {
    const info = this.describe();
    const file = info.length > MAX_INLINE ? writeFile(info) : -1;
    this.add(Letter.INFO, file);
    const status = this.status === undefined ? NONE : `${this.status}`;
    const deadline = this.deadline === Infinity ? NONE : `${this.deadline}`;
    const words = [this.key, `${this.pid}`, this.letters, status, this.isMarked ? "marked" : NONE, deadline];
    words.push(file >= 0 ? NONE : base64Text(info, true));
    keeper.keep(words.join(" "), this.fds);
    if (file >= 0) close(file);
  }

  /** What a keeper has kept. The descriptors are the caller's. */
  static receive(text: string, fds: number[]): KeptProcess {
    const words = text.split(" ");
    const kept = new KeptProcess(words.at(0) ?? "", Number(words.at(1) ?? NONE));
    const letters = words.at(2) ?? "";
    for (let i = 0; i < fds.length; i++) {
      kept.letters += letters.charAt(i);
      kept.fds.push(fds.at(i) ?? -1);
    }
    if (words.at(3) !== NONE) kept.status = Number(words.at(3));
    kept.isMarked = words.at(4) !== NONE;
    if (words.at(5) !== NONE) kept.deadline = Number(words.at(5));
    const hasFile = letters.includes(Letter.INFO);
    const info = hasFile ? readFile(kept.fd(Letter.INFO)) : (decodeBase64(words.at(6) ?? "") ?? new Uint8Array(0));
    const type = processSchema.type("ProcessInfo");
    checkMessage(type, info, 0, info.length);
    const message = new Message(type, info, 0, info.length);
    kept.config = message.data(1).slice();
    kept.tag = message.has(3) ? message.text(3) : undefined;
    return kept;
  }

  /** Its ends as they were when it was started. */
  ends(): Started {
    const started = new Started(this.pid);
    started.stdin = this.fd(Letter.STDIN);
    started.stdout = this.fd(Letter.STDOUT);
    started.stderr = this.fd(Letter.STDERR);
    started.terminal = this.fd(Letter.TERMINAL);
    return started;
  }

  private describe(): Uint8Array {
    const writer = new MessageWriter();
    writer.presentData(1, this.config, 0, this.config.length);
    if (this.tag !== undefined) writer.presentText(3, this.tag);
    return writer.bytes.slice(0, writer.size);
  }
}

function writeFile(bytes: Uint8Array): number {
  const fd = createMemoryFile("mote-process", bytes.length);
  writeAt(fd, bytes, 0);
  return fd;
}

/** All of a file, which is closed. */
function readFile(fd: number): Uint8Array {
  const bytes = new Uint8Array(fstat(fd).size);
  readAt(fd, bytes, 0);
  close(fd);
  return bytes;
}
