// What the suite inside a guest prints: the Test Anything Protocol, a line a case.

import type { Console } from "./console.ts";

/** How each case went, by its name: an empty string, or the reason of its failure. */
export type Results = ReadonlyMap<string, string>;

/** Waits for the suite's last line. */
export async function suiteResults(console: Console): Promise<Results> {
  await console.line(/^# suite: \d+ passed, \d+ failed$/);
  const results = new Map<string, string>();
  for (const line of console.lines) {
    const match = /^(ok|not ok) \d+ - (.*?)(?: # (.*))?$/.exec(line);
    if (match?.[2] !== undefined) results.set(match[2], match[1] === "ok" ? "" : (match[3] ?? "without a reason"));
  }
  return results;
}
