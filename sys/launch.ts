/** Children whose output goes where ours goes: the services of an init, and work that could block its loop. */
import { addressOf, call } from "#libc";
import { cstring, type CStringVector } from "./bytes.ts";
import { Call } from "./calls.ts";
import { enterChild, fork, leaveChild } from "./child.ts";
import { close, openNull } from "./file.ts";

const EXEC_FAILED_STATUS = 127;
const FAILED_STATUS = 1;

/**
 * Starts a program in a session of its own, standard input from /dev/null, both outputs to a descriptor that stays the
 * caller's. `environment` is the address of its environment vector. Returns its pid; it ends with 127 where execve failed.
 * Throws SysError where it could not fork.
 */
export function launch(path: string, argv: CStringVector, environment: number, output: number): number {
  const name = cstring(path);
  const nameAddress = addressOf(name);
  const vector = argv.address();
  const input = openNull();
  try {
    const pid = fork();
    if (pid !== 0) return pid;
    enterChild(input, output, output);
    call(Call.execve, nameAddress, vector, environment);
    leaveChild(EXEC_FAILED_STATUS);
    return 0;
  } finally {
    close(input);
  }
}

/**
 * Does a piece of work in a child of its own, which ends with 0 after it, or 1 where it threw: for calls that may block
 * for ever, such as sync(2). All signals that this process blocks stay blocked in it. Returns its pid. Throws SysError.
 */
export function launchWork(work: () => void): number {
  const pid = fork();
  if (pid !== 0) return pid;
  try {
    work();
  } catch {
    leaveChild(FAILED_STATUS);
  }
  leaveChild(0);
  return 0;
}
