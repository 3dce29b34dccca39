/** Clocks. */
import { addressOf, call } from "#libc";
import { readWord } from "./bytes.ts";
import { Call } from "./calls.ts";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

const timespec = new Uint8Array(16);
const timespecView = new DataView(timespec.buffer);

/** Milliseconds, with fractions, that only ever go forward; clock_gettime(2) CLOCK_MONOTONIC. */
export function monotonicNow(): number {
  call(Call.clock_gettime, CLOCK_MONOTONIC, addressOf(timespec), 0);
  return readWord(timespecView, 0) * 1000 + timespecView.getUint32(8, true) / 1e6;
}

/** The time of day in UTC as RFC 3339 section 5.6 writes it, to the millisecond. */
export function timestamp(): string {
  call(Call.clock_gettime, CLOCK_REALTIME, addressOf(timespec), 0);
  const parts = new Uint8Array(64);
  const view = new DataView(parts.buffer);
  call(Call.gmtime_r, addressOf(timespec), addressOf(parts), 0);
  // struct tm: seconds, minutes, hours, day, month from 0, year from 1900.
  const date = `${view.getInt32(20, true) + 1900}-${two(view.getInt32(16, true) + 1)}-${two(view.getInt32(12, true))}`;
  const time = `${two(view.getInt32(8, true))}:${two(view.getInt32(4, true))}:${two(view.getInt32(0, true))}`;
  const milliseconds = Math.floor(timespecView.getUint32(8, true) / 1e6);
  return `${date}T${time}.${`${milliseconds}`.padStart(3, "0")}Z`;
}

function two(value: number): string {
  return `${value}`.padStart(2, "0");
}
