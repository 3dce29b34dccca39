/** The log, one line an event: on standard error or in a file `TIME LEVEL text`, in the kernel's `<N>mote: text`. */
import { addressOf, call, call6 } from "#libc";
import { cstring, encodeText, printable } from "./bytes.ts";
import { Call } from "./calls.ts";
import { timestamp } from "./clock.ts";

export const enum Level {
  ERROR,
  WARN,
  INFO,
  DEBUG,
}

const NAMES = ["error", "warn", "info", "debug"];
/** syslog(3) priorities of the levels: err, warning, info, debug. */
const PRIORITIES = "3467";
const STDOUT = 1;
const STDERR = 2;
const NO_FILE = -1;
const POLLOUT = 4;
/** O_WRONLY, O_CLOEXEC, O_NOCTTY, O_NONBLOCK. */
const DEVICE_FLAGS = 0o2004401;
/** O_WRONLY, O_CREAT, O_APPEND, O_CLOEXEC. */
const FILE_FLAGS = 0o2002101;
/** Characters of a line: what poll calls writable takes 4,096 bytes without waiting, and /dev/kmsg about 1,000. */
const LINE_MAX = 900;

let threshold: number = Level.INFO;
let file = STDERR;
let isKernel = false;
/** Lines that a reader who does not read has lost. */
let lost = 0;

/** Whether a level has that name. */
export function isLogLevel(name: string): boolean {
  return NAMES.includes(name);
}

/** Sets the level by name; a name that is none changes nothing. */
export function setLogLevel(name: string): void {
  const level = NAMES.indexOf(name);
  if (level >= 0) threshold = level;
}

/** The name of the level that is set. */
export function logLevelName(): string {
  return NAMES.at(threshold) ?? "";
}

/**
 * Sets where lines go from now on: `stderr`, `stdout`, `kmsg` (the kernel's log), `console`, `off`, or the path of a file. The
 * console is opened anew, so that not waiting for it is this program's own affair. Returns false, and changes nothing,
 * where that cannot be opened.
 */
export function setLogTarget(target: string): boolean {
  if (target === "stderr") file = STDERR;
  else if (target === "stdout") file = STDOUT;
  else if (target === "off") file = NO_FILE;
  else {
    const isDevice = target === "kmsg" || target === "console";
    const path = cstring(isDevice ? `/dev/${target}` : target);
    const fd = call(Call.open, addressOf(path), isDevice ? DEVICE_FLAGS : FILE_FLAGS, 0o600);
    if (fd < 0) return false;
    if (file > STDERR) call(Call.close, file, 0, 0);
    file = fd;
  }
  isKernel = target === "kmsg";
  return true;
}

/** Whether lines of a level are written: ask before putting a costly line together. */
export function logs(level: Level): boolean {
  return level <= threshold;
}

/** Writes a line where its level is wanted. A reader that does not read loses lines; it never stops the agent. */
export function log(level: Level, text: string): void {
  if (level > threshold || file === NO_FILE) return;
  const missing = lost;
  if (missing > 0 && writeLine(Level.WARN, `${missing} lines were lost`)) lost = 0;
  if (!writeLine(level, text)) lost++;
}

/** Whether the log's file takes a line without waiting. */
function isWritable(): boolean {
  const ready = new Uint8Array([file % 256, Math.floor(file / 256), 0, 0, POLLOUT, 0, 0, 0]);
  return call(Call.poll, addressOf(ready), 1, 0) > 0;
}

/** Returns false for a line that is lost. */
function writeLine(level: Level, text: string): boolean {
  // One event, one line: what a peer chose must not forge another.
  const safe = printable(text.slice(0, LINE_MAX));
  const prefix = isKernel ? `<${PRIORITIES.slice(level, level + 1)}>mote:` : `${timestamp()} ${NAMES.at(level) ?? ""}`;
  const line = encodeText(`${prefix} ${safe}\n`);
  if (!isKernel && !isWritable()) return false;
  return call6(Call.write, file, addressOf(line), line.length, 0, 0, 0) === line.length;
}
