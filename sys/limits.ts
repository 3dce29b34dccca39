/** The limit on open descriptors, prlimit(2): the agent's raised, its children's as it was. */
import { addressOf, call6 } from "#libc";
import { readWord, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { type Plan, Rule } from "./plan.ts";

const SELF = 0;
const RLIMIT_NOFILE = 7;
/** More than the agent can use; an unlimited hard limit must not become a huge table in the kernel. */
const ENOUGH = 65536;
const DEFAULT_LIMIT = 1024;

/** The limit that the process was started with, where it has been raised. */
const original = new Uint8Array(16);
let isRaised = false;

/** Raises the soft limit as far as it may go. Returns how many descriptors the agent may have open. */
export function raiseFileLimit(): number {
  const view = new DataView(original.buffer);
  if (call6(Call.prlimit, SELF, RLIMIT_NOFILE, 0, addressOf(original), 0, 0) < 0) return DEFAULT_LIMIT;
  const soft = readWord(view, 0);
  const wanted = Math.min(readWord(view, 8), ENOUGH);
  if (soft >= wanted) return Math.min(soft, ENOUGH);
  const limit = original.slice();
  writeWord(new DataView(limit.buffer), 0, wanted);
  isRaised = call6(Call.prlimit, SELF, RLIMIT_NOFILE, addressOf(limit), 0, 0, 0) >= 0;
  return isRaised ? wanted : soft;
}

/**
 * Sets both limits of this process, and so of its children: for an init, before it raises its own. Throws SysError where
 * the hard limit may not be raised so far.
 */
export function setFileLimit(soft: number, hard: number): void {
  const limit = new Uint8Array(16);
  const view = new DataView(limit.buffer);
  writeWord(view, 0, Math.min(soft, hard));
  writeWord(view, 8, hard);
  check(call6(Call.prlimit, SELF, RLIMIT_NOFILE, addressOf(limit), 0, 0, 0), "prlimit", "RLIMIT_NOFILE");
}

/** Adds to the plan of a child: the limit that the agent was started with. */
export function planFileLimit(plan: Plan): void {
  if (isRaised) plan.add(Call.prlimit, SELF, RLIMIT_NOFILE, addressOf(original), 0, Rule.ANY);
}

/** The same in this process. */
export function restoreFileLimit(): void {
  if (isRaised) call6(Call.prlimit, SELF, RLIMIT_NOFILE, addressOf(original), 0, 0, 0);
}
