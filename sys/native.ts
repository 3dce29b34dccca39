/** The native host behind `#libc`: the C door of native.c. Same exports as bun.ts. */
import { Call } from "./calls.ts";

declare function mote_call(which: number, a: number, b: number, c: number, d: number, e: number, f: number): number;
declare function mote_address(bytes: Uint8Array): number;
declare function mote_environ(): number;
declare function mote_arguments(): number;
declare function mote_commit(): number;
declare function mote_guard(vector: number): number;
declare function mote_become(plan: number, group: number): number;
declare function mote_carry_out(plan: number): number;
declare function mote_poll_shrunk(fds: number, count: number, timeout: number): number;

/** Calls a libc function with up to three words. Returns its result, or -errno when it failed. */
export function call(which: Call, a: number, b: number, c: number): number {
  return mote_call(which, a, b, c, 0, 0, 0);
}

/** Like `call`, with up to six words. (Two functions: the compiler boxes the arguments of a defaulted parameter.) */
export function call6(which: Call, a: number, b: number, c: number, d: number, e: number, f: number): number {
  return mote_call(which, a, b, c, d, e, f);
}

/** The address of an array's first byte. The caller keeps the array alive while C can see the address. */
export function addressOf(bytes: Uint8Array): number {
  return mote_address(bytes);
}

/** The address of libc's `environ` vector, environ(7). */
export function environAddress(): number {
  return mote_environ();
}

/** The address of the argument vector: what the program was called by, then its arguments. */
export function argumentsAddress(): number {
  return mote_arguments();
}

/** The address of a C string: the commit that this was built from. */
export function commitAddress(): number {
  return mote_commit();
}

/** What stands before the first of the arguments when this program is started: nothing here. */
export function interpreterWords(): string[] {
  return [];
}

const SIG_SETMASK = 2;

/** Makes every thread of the process leave the given signals to signalfd(2), and block no others. */
export function ownSignals(set: Uint8Array): void {
  mote_call(Call.sigprocmask, SIG_SETMASK, mote_address(set), 0, 0, 0, 0);
}

/**
 * Starts a child that carries out a plan of plan.ts and becomes its program, in the control group whose directory a
 * descriptor names, -1 for this process's own. Returns its pid, or -errno; by then it is that program or is about to end, as
 * a rule.
 */
export function become(plan: Uint8Array, group: number): number {
  return mote_become(mote_address(plan), group);
}

/** In a forked child: carries out the steps of a plan. Allocates nothing. */
export function carryOut(plan: Uint8Array): void {
  mote_carry_out(mote_address(plan));
}

/** Prepares the process for fork(2). Nothing to do here. */
export function prepareFork(): void {}

/**
 * From now on what would end PID 1 executes this program in its place, with an argument vector at an address, which must
 * stay; every descriptor of it is inherited.
 */
export function guard(vector: number): void {
  mote_guard(vector);
}

/** poll(2), before which the pages of program code go back to the kernel. For one who expects to wait long. */
export function pollShrunk(fds: number, count: number, timeout: number): number {
  return mote_poll_shrunk(fds, count, timeout);
}
