/** Starting a program as a user, over pipes or on a terminal; envd-rpc.md 3.3. */
import { addressOf, call } from "#libc";
import { type CStringVector, plainString } from "./bytes.ts";
import { Call } from "./calls.ts";
import { equipChild, leaveChild } from "./child.ts";
import type { Credentials } from "./credentials.ts";
import { Entrance } from "./entrance.ts";
import { Errno, SysError } from "./errno.ts";
import { Executable, isMissing } from "./executable.ts";
import { close, openNull, read } from "./file.ts";
import { Plumbing } from "./plumbing.ts";
import { Pty, takeTerminal } from "./pty.ts";

const NO_FD = -1;
const STDERR = 2;
const NOT_FOUND_STATUS = 127;
const NOT_EXECUTABLE_STATUS = 126;
/** How much of a name is shown; characters. */
const SHOWN = 256;
/** What a child that could not start tells: the step, and the errno. */
const FAILURE_BYTES = 8;

/** The steps of a child that can fail. */
const enum Step {
  TERMINAL,
  USER,
  DIRECTORY,
  EXECUTE,
  /** The one that a child goes on without. */
  GROUP,
}

/** The call that fails where a child does not come into its control group. */
export const ENTER = "enter";
/** The calls that the steps fail in. */
const CALLS = ["ioctl", "setuid", "chdir", "execve", ENTER];

/** What to start, as whom and where. */
export class Program {
  readonly name: string;
  readonly argv: CStringVector;
  readonly environment: CStringVector;
  readonly executable: Executable;
  readonly directory: string;
  readonly credentials: Credentials;
  /** The directory of the control group, version 2, that it begins in; empty for the agent's own. */
  group = "";

  /** `path`: the directories to look for the command in, between colons. No text has a NUL in it. */
  constructor(name: string, path: string, argv: CStringVector, environment: CStringVector, directory: string, credentials: Credentials) {
    this.name = name;
    this.argv = argv;
    this.environment = environment;
    this.executable = new Executable(name, path, argv);
    this.directory = directory;
    this.credentials = credentials;
  }
}

/** A started child and the parent's ends, which the caller owns: -1 for what it has not. None of them blocks. */
export class Started {
  readonly pid: number;
  /** Ends when the program runs; otherwise carries the reason, see `startFailure`. */
  readonly status: number;
  /** The writing end of the standard input. */
  stdin = NO_FD;
  stdout = NO_FD;
  stderr = NO_FD;
  /** The master of a terminal, in place of the three. */
  terminal = NO_FD;

  constructor(pid: number, status: number) {
    this.pid = pid;
    this.status = status;
  }
}

/**
 * Starts a program over pipes; its standard input is /dev/null where `hasInput` is false. A command that cannot be
 * executed says so on its standard error and ends with 126 or 127. Throws SysError where it could not fork.
 */
export function startOverPipes(program: Program, hasInput: boolean): Started {
  const plumbing = new Plumbing();
  try {
    const stdin = hasInput ? plumbing.inputPipe() : NO_FD;
    const input = hasInput ? plumbing.last() : plumbing.add(openNull());
    const stdout = plumbing.pipe();
    const output = plumbing.last();
    const stderr = plumbing.pipe();
    const errors = plumbing.last();
    const child = start(program, plumbing, input, output, errors, false);
    close(input);
    close(output);
    close(errors);
    child.stdin = stdin;
    child.stdout = stdout;
    child.stderr = stderr;
    return child;
  } catch (error) {
    plumbing.closeAll();
    throw error;
  }
}

/** Starts a program in a session of its own, on a terminal of a size in characters. Otherwise like `startOverPipes`. */
export function startOnTerminal(program: Program, columns: number, rows: number): Started {
  const plumbing = new Plumbing();
  try {
    const { master, slave } = Pty.open(columns, rows, program.credentials.uid);
    plumbing.add(master);
    plumbing.add(slave);
    const child = start(program, plumbing, slave, slave, slave, true);
    close(slave);
    child.terminal = master;
    return child;
  } catch (error) {
    plumbing.closeAll();
    throw error;
  }
}

function start(program: Program, plumbing: Plumbing, input: number, output: number, errors: number, isTerminal: boolean): Started {
  // Everything that allocates happens before the fork: the child only makes calls.
  const { executable, credentials } = program;
  program.argv.address();
  const environment = program.environment.address();
  const directory = plainString(program.directory);
  const directoryAddress = addressOf(directory);
  // Short enough for a pipe that nobody reads yet.
  const shown = program.name.slice(0, SHOWN);
  const notFound = plainString(`${shown}: command not found\n`);
  const notExecutable = plainString(`${shown}: cannot be executed\n`);
  const failure = new Uint8Array(FAILURE_BYTES);
  const failureView = new DataView(failure.buffer);
  const status = plumbing.pipe();
  const statusWriter = plumbing.last();
  const entrance = new Entrance(program.group);
  const pid = entrance.fork(plumbing);
  if (pid !== 0) {
    entrance.close();
    close(statusWriter);
    return new Started(pid, status);
  }
  let step = Step.TERMINAL;
  let result = isTerminal ? call(Call.setsid, 0, 0, 0) : 0;
  if (isTerminal) result = takeTerminal(input);
  if (result >= 0) {
    equipChild(input, output, errors);
    // With what the parent may do.
    result = entrance.enter();
    if (result < 0) tell(statusWriter, failure, failureView, Step.GROUP, result);
    step = Step.USER;
    result = credentials.assume();
  }
  if (result >= 0) {
    step = Step.DIRECTORY;
    result = call(Call.chdir, directoryAddress, 0, 0);
  }
  if (result >= 0) {
    step = Step.EXECUTE;
    result = executable.execute(environment);
    if (isMissing(result)) {
      call(Call.write, STDERR, addressOf(notFound), notFound.length - 1);
      leaveChild(NOT_FOUND_STATUS);
    }
    if (!isOutOfMeans(result)) {
      call(Call.write, STDERR, addressOf(notExecutable), notExecutable.length - 1);
      leaveChild(NOT_EXECUTABLE_STATUS);
    }
  }
  tell(statusWriter, failure, failureView, step, result);
  leaveChild(NOT_FOUND_STATUS);
  return new Started(0, NO_FD);
}

/** In a child: writes the step that has failed, with a result of -errno. Allocates nothing. */
function tell(writer: number, failure: Uint8Array, view: DataView, step: Step, result: number): void {
  view.setInt32(0, step, true);
  view.setInt32(4, -result, true);
  call(Call.write, writer, addressOf(failure), FAILURE_BYTES);
}

/** Whether execve(2) failed for what has nothing to do with the file. */
function isOutOfMeans(result: number): boolean {
  switch (-result) {
    case Errno.E2BIG:
    case Errno.EAGAIN:
    case Errno.ENOMEM:
    case Errno.ENFILE:
    case Errno.EMFILE:
      return true;
    default:
      return false;
  }
}

/**
 * Reads a child's status when its descriptor is ready: undefined where it has come to execute something, or to say why not.
 * After a failure of ENTER, which comes first, it goes on, and there is more to come.
 */
export function startFailure(status: number, program: Program): SysError | undefined {
  const failure = new Uint8Array(FAILURE_BYTES);
  if (read(status, failure, 0, FAILURE_BYTES) !== FAILURE_BYTES) return undefined;
  const view = new DataView(failure.buffer);
  const step = view.getInt32(0, true);
  const subject = step === Step.DIRECTORY ? program.directory : step === Step.GROUP ? program.group : program.name;
  return new SysError(CALLS.at(step) ?? "", view.getInt32(4, true), subject);
}
