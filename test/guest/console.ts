// The serial console of a guest: lines as they come, waited for by event.

import { constants, openSync } from "node:fs";
import { makeFifo } from "../scratch.ts";

interface Waiter {
  readonly pattern: RegExp;
  readonly found: (line: string) => void;
  readonly failed: (error: Error) => void;
}

/** Seconds after which a line that does not come is a failure; not a measure of speed. */
const patience = 120;

/** Lines of the console that a failure shows. */
const shown = 40;

export class Console {
  /** Complete lines so far, without their ends. */
  readonly lines: string[] = [];
  /** Resolves when no more will come. */
  readonly ended: Promise<void>;
  /** What QEMU writes to; the caller closes it. */
  readonly input: number;
  #waiters: Waiter[] = [];
  #isOver = false;

  /**
   * Makes the console's FIFO. It holds what a whole boot says; a socket, which a pipe to a child is here, holds some
   * hundred bytes written one by one, and then the emulated port loses some.
   */
  constructor(path: string) {
    makeFifo(path);
    const output = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.input = openSync(path, constants.O_WRONLY);
    this.ended = this.#collect(Bun.file(output).stream());
  }

  /**
   * The first line that matches, from the beginning or from line number `from` on, come or yet to come. Throws when the
   * console ends without it.
   */
  async line(pattern: RegExp, from = 0): Promise<string> {
    const known = this.lines.slice(from).find((line) => pattern.test(line));
    if (known !== undefined) return known;
    if (this.#isOver) throw new Error(`the guest ended without ${pattern} on its console:\n${this.tail()}`);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const waiter = { pattern, found: resolve, failed: reject };
    this.#waiters.push(waiter);
    const giveUp = (): void => reject(new Error(`not within ${patience} s: ${pattern}\n${this.tail()}`));
    const timer = setTimeout(giveUp, patience * 1000);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    }
  }

  /** Lines so far that match. */
  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  /** What the agent has logged, by way of the kernel's log, from line number `from` on. */
  logged(pattern: RegExp, from = 0): string[] {
    const entries = this.lines.slice(from).map((line) => /^\[ *\d+\.\d+\] mote: (.*)$/.exec(line)?.[1]);
    return entries.filter((entry) => entry !== undefined).filter((entry) => pattern.test(entry));
  }

  /** The number of the first line that matches; -1 where there is none. */
  position(pattern: RegExp): number {
    return this.lines.findIndex((line) => pattern.test(line));
  }

  /** The last lines, for the message of a failure. */
  tail(): string {
    return this.lines.slice(-shown).map((line) => `  | ${line}`).join("\n");
  }

  async #collect(output: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of output) {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line.replaceAll("\r", ""));
    }
    if (rest !== "") this.#take(rest);
    this.#isOver = true;
    for (const { pattern, failed } of this.#waiters) {
      failed(new Error(`the guest ended without ${pattern} on its console:\n${this.tail()}`));
    }
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const { pattern, found } of this.#waiters) if (pattern.test(line)) found(line);
  }
}
