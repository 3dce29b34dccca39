/** Times to the nanosecond, as `/init` spells them; envd-http.md 5.4, RFC 3339 section 5.6. */
import { Ascii } from "../http/ascii.ts";
import { daysFromCivil } from "../http/date.ts";
import { encodeText } from "../sys/bytes.ts";
import { Time } from "../sys/clock.ts";

const DAY = 86_400;
const FULL_STOP = 0x2e;
const UPPER_Z = 0x5a;
/** `0` stands for a digit. */
const DATE_TIME = "0000-00-00T00:00:00";
const OFFSET = "00:00";
const NANOSECOND_DIGITS = 9;

/** Whether a time is before another, to the nanosecond. */
export function isBefore(a: Time, b: Time): boolean {
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanoseconds < b.nanoseconds);
}

/**
 * The time that `YYYY-MM-DDTHH:MM:SS[.digits](Z|±HH:MM)` names; undefined for anything else, a leap second included.
 * Digits beyond the nanosecond are dropped. Its seconds are negative before 1970.
 */
export function parseTimestamp(text: string): Time | undefined {
  const bytes = encodeText(text);
  if (!hasForm(bytes, 0, DATE_TIME)) return undefined;
  const year = numberAt(bytes, 0, 4);
  const month = numberAt(bytes, 5, 2);
  const day = numberAt(bytes, 8, 2);
  const hour = numberAt(bytes, 11, 2);
  const minute = numberAt(bytes, 14, 2);
  const second = numberAt(bytes, 17, 2);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const days = daysFromCivil(year, month, day);
  if (days >= (month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1))) return undefined;
  let at = DATE_TIME.length;
  let nanoseconds = 0;
  if (byteAt(bytes, at) === FULL_STOP) {
    const start = at + 1;
    for (at = start; isDigit(byteAt(bytes, at)); at++) {
      if (at - start < NANOSECOND_DIGITS) nanoseconds = nanoseconds * 10 + byteAt(bytes, at) - Ascii.zero;
    }
    if (at === start) return undefined;
    for (let digits = at - start; digits < NANOSECOND_DIGITS; digits++) nanoseconds *= 10;
  }
  const offset = offsetAt(bytes, at);
  if (offset === undefined) return undefined;
  return new Time(days * DAY + hour * 3600 + minute * 60 + second - offset, nanoseconds);
}

/** The seconds that the zone at the end is ahead of UTC. */
function offsetAt(bytes: Uint8Array, at: number): number | undefined {
  const mark = byteAt(bytes, at);
  if (mark === UPPER_Z) return bytes.length === at + 1 ? 0 : undefined;
  if ((mark !== Ascii.plus && mark !== Ascii.minus) || bytes.length !== at + 1 + OFFSET.length || !hasForm(bytes, at + 1, OFFSET)) {
    return undefined;
  }
  const hours = numberAt(bytes, at + 1, 2);
  const minutes = numberAt(bytes, at + 4, 2);
  if (hours > 23 || minutes > 59) return undefined;
  return (hours * 3600 + minutes * 60) * (mark === Ascii.minus ? -1 : 1);
}

function hasForm(bytes: Uint8Array, start: number, form: string): boolean {
  for (let i = 0; i < form.length; i++) {
    const byte = byteAt(bytes, start + i);
    const wanted = form.charCodeAt(i);
    if (wanted === Ascii.zero ? !isDigit(byte) : byte !== wanted) return false;
  }
  return true;
}

/** The number that digits spell. */
function numberAt(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) value = value * 10 + byteAt(bytes, at) - Ascii.zero;
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= Ascii.zero && byte <= Ascii.nine;
}

/** 0 behind the end. */
function byteAt(bytes: Uint8Array, at: number): number {
  return at < bytes.length ? bytes[at] ?? 0 : 0;
}
