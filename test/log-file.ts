// What a program under test logs, in a file: a test that has seen an answer sees every line that was written before it. Of a
// pipe it would see what has been read by then.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory } from "./scratch.ts";

export class LogFile {
  /** The standard error of the program. */
  readonly fd: number;
  #whole: string | undefined;

  constructor() {
    const directory = scratchDirectory();
    this.fd = openSync(join(directory, "log"), "a+");
    remove(directory); // the file is there as long as somebody holds it
  }

  /** All of it so far. */
  get text(): string {
    if (this.#whole !== undefined) return this.#whole;
    const bytes = Buffer.alloc(fstatSync(this.fd).size);
    const length = readSync(this.fd, bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, length);
  }

  /** The text stays. */
  close(): void {
    if (this.#whole !== undefined) return;
    this.#whole = this.text;
    closeSync(this.fd);
  }
}
