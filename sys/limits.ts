/** The limit on open descriptors, getrlimit(2): the agent's raised, its children's as it was. */
import { addressOf, call } from "#libc";
import { readWord, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";

const RLIMIT_NOFILE = 7;
/** More than the agent can use; an unlimited hard limit must not become a huge table in the kernel. */
const ENOUGH = 65536;

const original = new Uint8Array(16);
let raised = false;

/** Raises the soft limit as far as it may go. Returns how many descriptors the agent may have open. */
export function raiseFileLimit(): number {
  const view = new DataView(original.buffer);
  if (call(Call.getrlimit, RLIMIT_NOFILE, addressOf(original), 0) < 0) return 1024;
  const soft = readWord(view, 0);
  const wanted = Math.min(readWord(view, 8), ENOUGH);
  if (soft >= wanted) return Math.min(soft, ENOUGH);
  const limit = original.slice();
  writeWord(new DataView(limit.buffer), 0, wanted);
  raised = call(Call.setrlimit, RLIMIT_NOFILE, addressOf(limit), 0) >= 0;
  return raised ? wanted : soft;
}

/** In a child: the limit that the agent was started with. Allocates nothing. */
export function restoreFileLimit(): void {
  if (raised) call(Call.setrlimit, RLIMIT_NOFILE, addressOf(original), 0);
}
