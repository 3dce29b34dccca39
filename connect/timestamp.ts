/** google.protobuf.Timestamp in JSON: RFC 3339 in UTC. */
import { Civil } from "../http/date.ts";

const DAY = 86_400;

/** The text of seconds since 1970, which may be negative, and nanoseconds: with 0, 3, 6 or 9 digits of a fraction. */
export function timestampText(seconds: number, nanoseconds: number): string {
  const days = Math.floor(seconds / DAY);
  const second = seconds - days * DAY;
  const { year, month, day } = new Civil(days);
  const time = `${padded(Math.floor(second / 3600), 2)}:${padded(Math.floor(second / 60) % 60, 2)}:${padded(second % 60, 2)}`;
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${time}${fraction(nanoseconds)}Z`;
}

function fraction(nanoseconds: number): string {
  if (nanoseconds === 0) return "";
  const digits = padded(nanoseconds, 9);
  const length = nanoseconds % 1_000_000 === 0 ? 3 : nanoseconds % 1000 === 0 ? 6 : 9;
  return `.${digits.slice(0, length)}`;
}

function padded(value: number, width: number): string {
  return `${value}`.padStart(width, "0");
}
