/** The log: one line an event on standard error, `TIME LEVEL text`. */
import { addressOf, call, call6 } from "#libc";
import { encodeText, printable } from "./bytes.ts";
import { Call } from "./calls.ts";
import { timestamp } from "./clock.ts";

export const enum Level {
  ERROR,
  WARN,
  INFO,
  DEBUG,
}

const NAMES = ["error", "warn", "info", "debug"];
const STDERR = 2;
const POLLOUT = 4;
/** Characters of a line: what poll calls writable takes 4,096 bytes without waiting. */
const LINE_MAX = 900;

let threshold: number = Level.INFO;

/** Sets the level by name. Returns false for a name that is none. */
export function setLogLevel(name: string): boolean {
  const level = NAMES.indexOf(name);
  if (level >= 0) threshold = level;
  return level >= 0;
}

/** Whether lines of a level are written: ask before putting a costly line together. */
export function logs(level: Level): boolean {
  return level <= threshold;
}

/** Writes a line where its level is wanted. A reader that does not read loses lines; it never stops the agent. */
export function log(level: Level, text: string): void {
  if (level > threshold) return;
  // One event, one line: what a peer chose must not forge another.
  const line = encodeText(`${timestamp()} ${NAMES.at(level) ?? ""} ${printable(text.slice(0, LINE_MAX))}\n`);
  const ready = new Uint8Array([STDERR, 0, 0, 0, POLLOUT, 0, 0, 0]);
  if (call(Call.poll, addressOf(ready), 1, 0) <= 0) return;
  call6(Call.write, STDERR, addressOf(line), line.length, 0, 0, 0);
}
