/** Children whose output goes where ours goes: the services of an init, and work that could block its loop. */
import { addressOf, call, carryOut } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { equipLeader, fork, leaveChild } from "./child.ts";
import { close, openNull } from "./file.ts";
import type { Command } from "./process.ts";

const EXEC_FAILED_STATUS = 127;
const FAILED_STATUS = 1;

/**
 * Starts a command in a session of its own, standard input from /dev/null, both outputs to a descriptor that stays the
 * caller's. A directory that it cannot enter leaves it in the agent's own. Returns its pid; it ends with 127 where execve
 * failed. Throws SysError where it could not fork.
 */
export function launch(command: Command, output: number): number {
  const name = cstring(command.path);
  const nameAddress = addressOf(name);
  const vector = command.argv.address();
  const directory = cstring(command.directory);
  const directoryAddress = addressOf(directory);
  const input = openNull();
  const plan = equipLeader(input, output, output);
  try {
    const pid = fork();
    if (pid !== 0) return pid;
    carryOut(plan.bytes);
    // An empty name fails, and leaves it where it is.
    call(Call.chdir, directoryAddress, 0, 0);
    call(Call.execve, nameAddress, vector, command.environment);
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
