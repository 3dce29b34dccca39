/** The Bun host behind `#libc`. Same exports as native.ts. */
import { Call } from "./calls.ts";
import { addressOf, call, cstringOf, vectorOf } from "./bun/libc.ts";

export { become, carryOut, prepareFork } from "./bun/child.ts";
export { addressOf, call, call6, environAddress } from "./bun/libc.ts";
export { ownSignals } from "./bun/start.ts";

const argumentStrings = process.argv.slice(1).map(cstringOf);
const argumentVector = vectorOf(argumentStrings.map(addressOf));

/** The address of the argument vector: the script, then its arguments. */
export function argumentsAddress(): number {
  // Named here so that the strings live: what no function names is garbage once the module has run.
  return argumentStrings.length === 0 ? 0 : addressOf(argumentVector);
}

const commit = cstringOf("unknown");

/** The address of a C string: the commit that this was built from, of which nothing is known here. */
export function commitAddress(): number {
  return addressOf(commit);
}

/** What stands before the first of the arguments when this program is started: Bun. */
export function interpreterWords(): string[] {
  return [process.execPath];
}

/** Nothing here: Bun has handlers of its own, and no way to make one that only executes a program. */
export function guard(_vector: number): void {}

/** poll(2), before which the pages of program code go back to the kernel. Bun's are its own affair. */
export function pollShrunk(fds: number, count: number, timeout: number): number {
  return call(Call.poll, fds, count, timeout);
}
