/** Clocks. */
import { addressOf, call } from "#libc";
import { decodeText, encodeText, readWord, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const ZERO = 0x30;

const timespec = new Uint8Array(16);
const timespecView = new DataView(timespec.buffer);

/** Milliseconds, with fractions, that only ever go forward; clock_gettime(2) CLOCK_MONOTONIC. */
export function monotonicNow(): number {
  call(Call.clock_gettime, CLOCK_MONOTONIC, addressOf(timespec), 0);
  return readWord(timespecView, 0) * 1000 + timespecView.getUint32(8, true) / 1e6;
}

/** A time since a clock's beginning, which is 1970-01-01 UTC for a time of day. */
export class Time {
  /** Whole. */
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** The time of day now; clock_gettime(2) CLOCK_REALTIME. */
export function realtime(): Time {
  return read(CLOCK_REALTIME);
}

/** The time since the kernel has started; clock_gettime(2) CLOCK_BOOTTIME. */
export function sinceKernelStart(): Time {
  return read(CLOCK_BOOTTIME);
}

function read(clock: number): Time {
  call(Call.clock_gettime, clock, addressOf(timespec), 0);
  return new Time(readWord(timespecView, 0), timespecView.getUint32(8, true));
}

/** Sets the machine's time of day; clock_settime(2). Throws SysError: EPERM, or EINVAL for no time. */
export function setRealtime(time: Time): void {
  writeWord(timespecView, 0, time.seconds);
  writeWord(timespecView, 8, time.nanoseconds);
  check(call(Call.clock_settime, CLOCK_REALTIME, addressOf(timespec), 0), "clock_settime", "");
}

/** A time in seconds, to the millisecond, in decimal. */
export function secondsText(time: Time): string {
  const milliseconds = Math.floor(time.nanoseconds / 1e6);
  return `${time.seconds}.${`${milliseconds}`.padStart(3, "0")}`;
}

/** The time of day in UTC as RFC 3339 section 5.6 writes it, to the millisecond. */
export function timestamp(): string {
  call(Call.clock_gettime, CLOCK_REALTIME, addressOf(timespec), 0);
  // struct tm: seconds, minutes, hours, day, month from 0, year from 1900.
  const parts = new Uint8Array(64);
  const view = new DataView(parts.buffer);
  call(Call.gmtime_r, addressOf(timespec), addressOf(parts), 0);
  const text = encodeText("0000-00-00T00:00:00.000Z");
  putDigits(text, 4, view.getInt32(20, true) + 1900);
  putDigits(text, 7, view.getInt32(16, true) + 1);
  putDigits(text, 10, view.getInt32(12, true));
  putDigits(text, 13, view.getInt32(8, true));
  putDigits(text, 16, view.getInt32(4, true));
  putDigits(text, 19, view.getInt32(0, true));
  putDigits(text, 23, Math.floor(timespecView.getUint32(8, true) / 1e6));
  return decodeText(text, 0, text.length);
}

/** Writes the digits of a number over zeros that end at `end`. */
function putDigits(text: Uint8Array, end: number, value: number): void {
  let at = end - 1;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 10)) {
    text[at] = ZERO + (rest % 10);
    at--;
  }
}
