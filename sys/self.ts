/** This program once more, in a child or in this very process. */
import { addressOf, call, interpreterWords } from "#libc";
import { cstring, CStringVector } from "./bytes.ts";
import { Call } from "./calls.ts";
import { fork, leaveChild } from "./child.ts";
import { programArguments } from "./environ.ts";
import { restoreFileLimit } from "./limits.ts";
import { resetDispositions, Signal } from "./signals.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const EXEC_FAILED_STATUS = 127;

/** The process id of this process; getpid(2). */
export function processId(): number {
  return call(Call.getpid, 0, 0, 0);
}

/** The words that start this program without arguments. */
function selfWords(): string[] {
  const words = interpreterWords();
  words.push(programArguments().at(0) ?? "mote");
  return words;
}

/** The argument vector that starts this program, with arguments. */
export function selfVector(words: string[]): CStringVector {
  const argv = new CStringVector();
  for (const word of selfWords()) argv.add(word);
  for (const word of words) argv.add(word);
  return argv;
}

/**
 * Starts this program in a child that keeps two descriptors and dies with this process. `environment` is the address of
 * its environment vector. Returns its pid; it ends with 127 where execve failed. Throws SysError where it could not fork.
 */
export function launchSelf(words: string[], first: number, second: number, environment: number): number {
  const path = cstring("/proc/self/exe");
  const pathAddress = addressOf(path);
  // Where /proc is missing.
  const called = cstring(selfWords().at(0) ?? "");
  const calledAddress = addressOf(called);
  const argv = selfVector(words);
  const vector = argv.address();
  const parent = processId();
  const pid = fork();
  if (pid !== 0) return pid;
  call(Call.prctl, PR_SET_PDEATHSIG, Signal.KILL, 0);
  // The parent may have died before that.
  if (call(Call.getppid, 0, 0, 0) !== parent) leaveChild(EXEC_FAILED_STATUS);
  // The mask stays: until it can answer SIGTERM, the child is not to die of it.
  resetDispositions();
  restoreFileLimit();
  call(Call.fcntl, first, F_SETFD, 0);
  call(Call.fcntl, second, F_SETFD, 0);
  call(Call.execve, pathAddress, vector, environment);
  call(Call.execve, calledAddress, vector, environment);
  leaveChild(EXEC_FAILED_STATUS);
  return 0;
}

/** Names this process for ps(1) and its like: the name of a program that was executed as /proc/self/exe is `exe`. */
export function setProcessName(name: string): void {
  const bytes = cstring(name);
  call(Call.prctl, PR_SET_NAME, addressOf(bytes), 0);
}

/** Takes over a descriptor that was inherited on purpose: no child of ours gets it. */
export function adoptDescriptor(fd: number): void {
  call(Call.fcntl, fd, F_SETFD, FD_CLOEXEC);
}
