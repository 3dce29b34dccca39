/** Starting child processes: fork(2), setsid(2), execve(2), and the reason when that fails. */
import { addressOf, call, call6, carryOut } from "#libc";
import { cstring, type CStringVector } from "./bytes.ts";
import { Call } from "./calls.ts";
import { equipLeader, fork, leaveChild } from "./child.ts";
import { SysError } from "./errno.ts";
import { close, openNull, read } from "./file.ts";
import type { GroupTable } from "./groups.ts";
import { Plumbing } from "./plumbing.ts";
import { Signal } from "./signals.ts";

const EXEC_FAILED_STATUS = 127;
/** What a child that could not start tells: the errno, and the result of chdir, negative where that was it. */
const FAILURE_BYTES = 8;

/** What to run. The caller keeps it until `spawn` has returned. */
export class Command {
  readonly path: string;
  readonly argv: CStringVector;
  /** The address of the environment vector. */
  readonly environment: number;
  /** Where it runs; empty for the agent's own working directory. */
  readonly directory: string;

  constructor(path: string, argv: CStringVector, environment: number, directory: string) {
    this.path = path;
    this.argv = argv;
    this.environment = environment;
    this.directory = directory;
  }
}

/** A started child and the parent's ends of its pipes, which the caller owns. All of them are non-blocking. */
export class Child {
  readonly pid: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Ends when execve has succeeded; otherwise carries the reason, see `execError`. */
  readonly status: number;

  constructor(pid: number, stdout: number, stderr: number, status: number) {
    this.pid = pid;
    this.stdout = stdout;
    this.stderr = stderr;
    this.status = status;
  }
}

/**
 * Starts a command in a session of its own: standard input from /dev/null, the two outputs to pipes, default signal
 * dispositions, an empty mask, no other descriptor. Its pid is entered in a place of the table. Throws SysError where it
 * could not fork; the place is given back then.
 */
export function spawn(command: Command, groups: GroupTable, slot: number): Child {
  // Everything that allocates happens before the fork: the child only makes calls.
  const path = cstring(command.path);
  const pathAddress = addressOf(path);
  const argv = command.argv.address();
  const directory = cstring(command.directory);
  const directoryAddress = addressOf(directory);
  const hasDirectory = command.directory !== "";
  const failure = new Uint8Array(FAILURE_BYTES);
  const failureView = new DataView(failure.buffer);
  const plumbing = new Plumbing();
  try {
    const input = plumbing.add(openNull());
    const stdout = plumbing.pipe();
    const stdoutWriter = plumbing.last();
    const stderr = plumbing.pipe();
    const stderrWriter = plumbing.last();
    const status = plumbing.pipe();
    const statusWriter = plumbing.last();
    const plan = equipLeader(input, stdoutWriter, stderrWriter);
    const pid = fork();
    if (pid === 0) {
      carryOut(plan.bytes);
      groups.enter(slot);
      let result = hasDirectory ? call(Call.chdir, directoryAddress, 0, 0) : 0;
      failureView.setInt32(4, result, true);
      if (result >= 0) result = call(Call.execve, pathAddress, argv, command.environment);
      failureView.setInt32(0, -result, true);
      call(Call.write, statusWriter, addressOf(failure), FAILURE_BYTES);
      leaveChild(EXEC_FAILED_STATUS);
    }
    for (const fd of [input, stdoutWriter, stderrWriter, statusWriter]) close(fd);
    return new Child(pid, stdout, stderr, status);
  } catch (error) {
    plumbing.closeAll();
    groups.free(slot);
    throw error;
  }
}

/** Reads a child's exec status when its descriptor is ready: undefined where execve succeeded. */
export function execError(child: Child, command: Command): SysError | undefined {
  const failure = new Uint8Array(FAILURE_BYTES);
  if (read(child.status, failure, 0, FAILURE_BYTES) !== FAILURE_BYTES) return undefined;
  const view = new DataView(failure.buffer);
  const errno = view.getInt32(0, true);
  if (view.getInt32(4, true) < 0) return new SysError("chdir", errno, command.directory);
  return new SysError("execve", errno, command.path);
}

/** kill(2), which may fail: returns whether it did not. The process must not have been reaped by us. */
export function trySignal(pid: number, signal: number): boolean {
  return call(Call.kill, pid, signal, 0) >= 0;
}

/** kill(2). The process must not have been reaped: the number could be another's. */
export function sendSignal(pid: number, signal: number): void {
  call(Call.kill, pid, signal, 0);
}

/**
 * Sends SIGKILL to every process of a group. Its leader must not have been reaped yet: the number could be another's.
 */
export function killGroup(pgid: number): void {
  // The leader by itself first: one that has not come to setsid yet has no group, and never will.
  call(Call.kill, pgid, Signal.KILL, 0);
  call(Call.kill, -pgid, Signal.KILL, 0);
}

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x1000000;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;

const siginfo = new Uint8Array(128);
const siginfoView = new DataView(siginfo.buffer);

/** waitid(2). Returns the pid of the child that has ended, with `siginfo` filled, 0 where none has, or -errno. */
function wait(which: number, pid: number, options: number): number {
  siginfoView.setInt32(16, 0, true);
  const result = call6(Call.waitid, which, pid, addressOf(siginfo), WEXITED | WNOHANG | options, 0, 0);
  return result < 0 ? result : siginfoView.getInt32(16, true);
}

/** Whether a process is a child of this one whose status has not been taken. */
export function isChild(pid: number): boolean {
  return wait(P_PID, pid, WNOWAIT) >= 0;
}

/** The exit code that `siginfo` tells, or -N for death by signal N. */
function exitStatus(): number {
  const status = siginfoView.getInt32(24, true);
  return siginfoView.getInt32(8, true) === CLD_EXITED ? status : -status;
}

/** Added to the signal of a status where a core was dumped. */
export const CORE_DUMPED = 128;

/**
 * Takes the status of a child that has ended: the exit code, -N for death by signal N, CORE_DUMPED less where a core was
 * dumped. Undefined where somebody else took it.
 */
export function takeStatus(pid: number): number | undefined {
  return wait(P_PID, pid, 0) > 0 ? fullStatus() : undefined;
}

function fullStatus(): number {
  return siginfoView.getInt32(8, true) === CLD_DUMPED ? exitStatus() - CORE_DUMPED : exitStatus();
}

/** Waits until a child that is about to end has done so, and takes its status. */
export function awaitEnd(pid: number): void {
  call6(Call.waitid, P_PID, pid, addressOf(siginfo), WEXITED, 0, 0);
}

/** Whether a child has ended. Its status stays to be taken, and so its pid stays its own. */
export function hasEnded(pid: number): boolean {
  return wait(P_PID, pid, WNOWAIT) !== 0;
}

/**
 * Takes the status of a child that has ended, after which its pid and process group may be another's.
 * Returns the exit code, or -N for death by signal N; 255 where somebody else took the status.
 */
export function reap(pid: number): number {
  return wait(P_PID, pid, 0) > 0 ? exitStatus() : 255;
}

/** A child that has ended and its status: the exit code, or -N for death by signal N. */
export class Ended {
  readonly pid: number;
  readonly status: number;
  /** As `takeStatus` has it. */
  readonly fullStatus: number;

  constructor(pid: number, status: number, fullStatus: number) {
    this.pid = pid;
    this.status = status;
    this.fullStatus = fullStatus;
  }
}

/**
 * Takes the status of any child that has ended. A pid of 0: none has; -1: there is no child. Only for a process in which
 * nothing else waits for children.
 */
export function reapAny(): Ended {
  const pid = wait(P_ALL, 0, 0);
  return pid > 0 ? new Ended(pid, exitStatus(), fullStatus()) : new Ended(pid < 0 ? -1 : 0, 0, 0);
}
