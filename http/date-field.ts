/** The Date field of responses; RFC 9110 section 6.6.1. Made once a second. */
import { httpDate } from "./date.ts";

let second = -1;
let field = "";

/** `Date: ...` with its line end. */
export function dateField(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    field = `Date: ${httpDate(now)}\r\n`;
  }
  return field;
}
