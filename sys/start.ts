/** Starting a program as a user, over pipes or on a terminal; envd-rpc.md 3.3. */
import type { CStringVector } from "./bytes.ts";
import { Call } from "./calls.ts";
import { equip } from "./child.ts";
import type { Credentials } from "./credentials.ts";
import { Entrance } from "./entrance.ts";
import { check, SysError } from "./errno.ts";
import { close, openNull, read } from "./file.ts";
import { Plan, Rule } from "./plan.ts";
import { Plumbing } from "./plumbing.ts";
import { awaitEnd } from "./process.ts";
import { planTerminal, Pty } from "./pty.ts";

const NO_FD = -1;
/** What a child that could not start tells: the rule that it has broken, and the errno. */
const FAILURE_BYTES = 8;

/** The call that fails where a child does not come into its control group. */
const ENTER = "enter";
/** The calls that fail in a child, by their rules in its plan. */
const CALLS = ["", "", "ioctl", "setuid", "chdir", "execve", ENTER];

/** What to start, as whom and where. */
export class Program {
  readonly name: string;
  readonly argv: CStringVector;
  readonly environment: CStringVector;
  readonly path: string;
  readonly directory: string;
  readonly credentials: Credentials;
  /** The directory of the control group, version 2, that it begins in; empty for the agent's own. */
  group = "";

  /** `path`: the directories to look for the command in, between colons. No text has a NUL in it. */
  constructor(name: string, path: string, argv: CStringVector, environment: CStringVector, directory: string, credentials: Credentials) {
    this.name = name;
    this.argv = argv;
    this.environment = environment;
    this.path = path;
    this.directory = directory;
    this.credentials = credentials;
  }
}

/** A started child and the parent's ends, which the caller owns: -1 for what it has not. None of them blocks. */
export class Started {
  readonly pid: number;
  /** The writing end of the standard input. */
  stdin = NO_FD;
  stdout = NO_FD;
  stderr = NO_FD;
  /** The master of a terminal, in place of the three. */
  terminal = NO_FD;
  /** Why it is not in its control group. */
  groupFailure: SysError | undefined;

  constructor(pid: number) {
    this.pid = pid;
  }
}

/**
 * Starts a program over pipes; its standard input is /dev/null where `hasInput` is false. A command that cannot be
 * executed says so on its standard error and ends with 126 or 127. Throws SysError for everything else that keeps it from
 * running. The agent waits until it runs: as long as it takes to enter its directory and read the beginning of its file.
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
  const status = plumbing.status();
  const statusWriter = plumbing.last();
  const entrance = new Entrance(program.group);
  let plan = planOf(program, entrance, statusWriter, input, output, errors, isTerminal);
  let pid = entrance.start(plan);
  if (pid === NO_FD) {
    entrance.openList(plumbing);
    plan = planOf(program, entrance, statusWriter, input, output, errors, isTerminal);
    pid = check(plan.start(NO_FD), "fork", "");
    entrance.closeList(plumbing);
  }
  plumbing.closeLast();
  const started = new Started(pid);
  if (entrance.result < 0) started.groupFailure = new SysError(ENTER, -entrance.result, program.group);
  const failure = new Uint8Array(FAILURE_BYTES);
  const view = new DataView(failure.buffer);
  // It ends when the program runs.
  while (read(status, failure, 0, FAILURE_BYTES) === FAILURE_BYTES) {
    const rule = view.getInt32(0, true);
    const error = new SysError(CALLS.at(rule) ?? "", view.getInt32(4, true), subjectOf(program, rule));
    if (rule === Rule.GROUP) {
      started.groupFailure = error;
      continue;
    }
    awaitEnd(pid);
    throw error;
  }
  plumbing.closeLast();
  return started;
}

function planOf(
  program: Program, entrance: Entrance, status: number, input: number, output: number, errors: number, isTerminal: boolean,
): Plan {
  const plan = new Plan();
  if (isTerminal) planTerminal(plan, input);
  equip(plan, input, output, errors);
  // With what the parent may do.
  entrance.plan(plan);
  program.credentials.plan(plan);
  plan.addText(Call.chdir, program.directory, 0, Rule.DIRECTORY);
  plan.execute(program.name, program.path, program.argv, program.environment, status);
  return plan;
}

/** What a step was about. */
function subjectOf(program: Program, rule: number): string {
  if (rule === Rule.DIRECTORY) return program.directory;
  return rule === Rule.GROUP ? program.group : program.name;
}
