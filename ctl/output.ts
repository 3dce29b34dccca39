/** This program's own outputs. */
import { Errno, errnoText } from "../sys/errno.ts";
import { exit, writeFully } from "../sys/stdio.ts";
import { Failure } from "./failure.ts";

/** What a shell reports of a program that SIGPIPE ended, which happens instead where that signal is not ignored. */
const EXIT_SIGPIPE = 141;

/** Writes bytes [start, end) to a standard output. Where nobody reads it any more the program ends. Throws Failure. */
export function writeOutput(fd: number, bytes: Uint8Array, start: number, end: number): void {
  const result = writeFully(fd, bytes, start, end);
  if (result === -Errno.EPIPE) exit(EXIT_SIGPIPE);
  if (result < 0) throw new Failure(`cannot write to standard ${fd === 1 ? "output" : "error"}: ${errnoText(-result)}`);
}
