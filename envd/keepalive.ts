/** How long a stream may be silent; envd-rpc.md 3.7. */
import type { Call } from "../connect/call.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";

/** The field of requests that says so, in seconds. */
export const KEEPALIVE_FIELD = "keepalive-ping-interval";
const USUAL_MS = 90_000;
const MAX_DIGITS = 9;

/** The interval that a call asks for; milliseconds. */
export function keepaliveInterval(call: Call): number {
  const text = call.header(KEEPALIVE_FIELD) ?? "";
  const seconds = consistsOf(text, DIGITS, MAX_DIGITS) ? Number(text) : 0;
  return seconds > 0 ? seconds * 1000 : USUAL_MS;
}
