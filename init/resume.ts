/**
 * What a PID 1 that starts over in place has to know of itself: its listeners, its worker, its record, and when it last
 * did so. In a memory file of its own, which no worker holds; lifecycle.md 1.10.
 */
import { type Address, parseAddress } from "../sys/address.ts";
import { decodeText, encodeText } from "../sys/bytes.ts";
import { close } from "../sys/file.ts";
import { createMemoryFile, readAt, writeAt } from "../sys/memory-file.ts";
import { adoptDescriptor } from "../sys/self.ts";

const FILE_BYTES = 16384;
/** Descriptors above that are nothing of ours: an init has few. */
const LAST_FD = 1023;
/** Restarts that are looked back on. */
const REMEMBERED = 6;

/** A listener: its address and its descriptor. */
export class Held {
  readonly address: Address;
  readonly fd: number;

  constructor(address: Address, fd: number) {
    this.address = address;
    this.fd = fd;
  }
}

export class Resume {
  readonly fd: number;
  /** When this process last started over, in milliseconds of the monotonic clock, the latest last. */
  restarts: number[] = [];
  recordFile = -1;
  /** 0 where none runs. */
  workerPid = 0;
  channel = -1;
  listeners: Held[] = [];
  /** How the machine is to end, a StopWish, where it is ending; else -1. */
  stopWish = -1;

  /** Whether the machine has been made ready. */
  isBooted = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** For a PID 1 that the kernel has started. Throws SysError. */
  static create(): Resume {
    return new Resume(createMemoryFile("mote-resume", FILE_BYTES));
  }

  /** What the image before this one wrote. All descriptors that it does not name are closed. */
  static read(fd: number): Resume {
    const resume = new Resume(fd);
    const bytes = new Uint8Array(FILE_BYTES);
    readAt(fd, bytes, 0);
    for (const line of decodeText(bytes, 0, bytes.length).split("\n")) resume.take(line.split(" "));
    const kept = [fd, resume.recordFile, resume.channel];
    for (const held of resume.listeners) kept.push(held.fd);
    for (let other = 3; other <= LAST_FD; other++) {
      if (kept.includes(other)) adoptDescriptor(other);
      else close(other);
    }
    return resume;
  }

  /** Notes that this process has just started over. */
  addRestart(now: number): void {
    this.restarts.push(now);
    this.restarts = this.restarts.slice(-REMEMBERED);
    this.write();
  }

  /** Writes all of it. */
  write(): void {
    let text = `restarts ${this.restarts.join(" ")}\nrecord ${this.recordFile}\nworker ${this.workerPid} ${this.channel}\n`;
    if (this.isBooted) text += "booted\n";
    if (this.stopWish >= 0) text += `stop ${this.stopWish}\n`;
    for (const held of this.listeners) text += `listener ${held.fd} ${held.address.text}\n`;
    const bytes = new Uint8Array(FILE_BYTES);
    const written = encodeText(text);
    bytes.set(written.subarray(0, Math.min(written.length, FILE_BYTES)), 0);
    writeAt(this.fd, bytes, 0);
  }

  private take(words: string[]): void {
    const first = Number(words.at(1) ?? "");
    switch (words.at(0) ?? "") {
      case "restarts":
        for (const word of words.slice(1)) if (word !== "") this.restarts.push(Number(word));
        return;
      case "record":
        this.recordFile = first;
        return;
      case "worker":
        this.workerPid = first;
        this.channel = Number(words.at(2) ?? "");
        return;
      case "booted":
        this.isBooted = true;
        return;
      case "stop":
        this.stopWish = first;
        return;
      case "listener":
        this.listeners.push(new Held(parseAddress(words.slice(2).join(" ")), first));
        return;
      default:
        return;
    }
  }
}
