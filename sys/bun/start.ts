/** How a process on Bun gets its signals: it starts itself over, once. */
import { dlopen, FFIType } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Call } from "../calls.ts";
import { addressOf, call, cstringOf, environAddress, vectorOf, wordAt } from "./libc.ts";

const { unsetenv } = dlopen("libc.so.6", { unsetenv: { args: [FFIType.i64_fast], returns: FFIType.i32 } }).symbols;

const SIG_SETMASK = 2;

/**
 * Settings of JavaScriptCore, given in the environment. Three keep it from using helper threads: a forked child has only
 * the thread that forked, and would wait for ever for a lock that a helper held. The last has it stop threads by a signal
 * that means nothing to an init; it unblocks that one whenever it starts, and would else take SIGPWR.
 */
const SETTINGS = [
  ["BUN_JSC_useConcurrentGC", "0"],
  ["BUN_JSC_useConcurrentJIT", "0"],
  ["BUN_JSC_numberOfGCMarkers", "1"],
  ["JSC_SIGNAL_FOR_GC", "50"],
] as const;

/**
 * Makes every thread of the process leave the given signals (a kernel sigset of 128 bytes) to signalfd(2), and block no
 * others.
 *
 * Bun's own threads, which are there before this code runs, do not block them: such a thread would take the signal and
 * its default action. A mask survives execve(2), so the process blocks the signals and starts itself over once, before
 * it has done anything; and since it does, with settings under which fork(2) is safe.
 */
export function ownSignals(set: Uint8Array): void {
  const before = new Uint8Array(128);
  call(Call.sigprocmask, SIG_SETMASK, addressOf(set), addressOf(before));
  const isBlocked = set.every((bits, index) => ((before[index] ?? 0) & bits) === bits);
  if (isBlocked && SETTINGS.every(([name, value]) => process.env[name] === value)) {
    // Not for children.
    for (const [name] of SETTINGS) unsetenv(addressOf(cstringOf(name)));
    return;
  }
  const commandLine = new Uint8Array(readFileSync("/proc/self/cmdline"));
  const argv: number[] = [];
  for (let start = 0; start < commandLine.length; start = commandLine.indexOf(0, start) + 1) {
    argv.push(addressOf(commandLine) + start);
  }
  const settings = SETTINGS.map(([name, value]) => cstringOf(`${name}=${value}`));
  const environment = settings.map(addressOf);
  for (let at = environAddress(); wordAt(at) !== 0; at += 8) environment.push(wordAt(at));
  keepInherited();
  const self = cstringOf("/proc/self/exe");
  const argvVector = vectorOf(argv);
  const environmentVector = vectorOf(environment);
  call(Call.execve, addressOf(self), addressOf(argvVector), addressOf(environmentVector));
}

const F_SETFD = 2;

/**
 * Bun marks every descriptor from 4 on close-on-exec when it starts. What was handed to this program is sockets and memory
 * files, of which Bun has none of its own yet: they are to outlive the start-over.
 */
function keepInherited(): void {
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    if (fd > 2 && /^(socket:|\/memfd:)/.test(targetOf(fd))) call(Call.fcntl, fd, F_SETFD, 0);
  }
}

function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // the descriptor that the directory was read through
  }
}
