/**
 * What a child does before it is another program: calls, put together before there is a child, since nothing may be
 * allocated in it. become.c and bun/child.ts carry it out.
 */
import { addressOf, become } from "#libc";
import { type CStringVector, plainString, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";

const MAX_STEPS = 40;
const WORD_BYTES = 8;

/** What a step's failure means; other values are those of start.ts, and keep the program from starting. */
export const enum Rule {
  /** Nothing. */
  ANY = 0,
  /** Nothing; the result is the descriptor that later steps name with LAST_OPENED. */
  OPENS = 1,
  TERMINAL = 2,
  USER = 3,
  DIRECTORY = 4,
  EXECUTE = 5,
  /** It is told of, and the program runs all the same. */
  GROUP = 6,
}

/** A step's first word, in place of a descriptor that is not known yet. */
export const LAST_OPENED = -1;

/** The words of a plan before its steps; doubles. */
export const enum PlanWord {
  COUNT,
  NAME,
  PATH,
  ARGV,
  ENVIRONMENT,
  SCRIPT,
  STATUS,
  STEPS,
}

/** Words of a step: the call, four arguments, and a rule. */
export const STEP_WORDS = 6;

/** What runs a file that is executable and of no format that the kernel knows. */
const SHELL = "/bin/sh";

export class Plan {
  readonly bytes = new Uint8Array((PlanWord.STEPS + MAX_STEPS * STEP_WORDS) * WORD_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private count = 0;
  /** What the plan has addresses of. */
  private readonly owned: Uint8Array[] = [];

  /** Adds a call with up to four arguments, at most MAX_STEPS times. What it has addresses of stays the caller's. */
  add(which: Call, a: number, b: number, c: number, d: number, rule: Rule): void {
    const at = PlanWord.STEPS + this.count * STEP_WORDS;
    this.set(at, which);
    this.set(at + 1, a);
    this.set(at + 2, b);
    this.set(at + 3, c);
    this.set(at + 4, d);
    this.set(at + 5, rule);
    this.count += 1;
    this.set(PlanWord.COUNT, this.count);
  }

  /** Adds a call with a text. */
  addText(which: Call, text: string, b: number, rule: Rule): void {
    this.add(which, this.own(plainString(text)), b, 0, 0, rule);
  }

  /**
   * In the end it executes a command, which is looked for in the directories of `path`, between colons, the way of
   * execvp(3). `status`: a descriptor to which it tells what has failed. The vectors stay the caller's.
   */
  execute(name: string, path: string, argv: CStringVector, environment: CStringVector, status: number): void {
    // The arguments of the shell: its name, the file's, and the command's own but the first.
    const script = new Uint8Array((argv.length + 2) * WORD_BYTES);
    const view = new DataView(script.buffer);
    writeWord(view, 0, this.own(plainString(SHELL)));
    for (let i = 1; i < argv.length; i++) writeWord(view, (i + 1) * WORD_BYTES, argv.at(i));
    this.set(PlanWord.NAME, this.own(plainString(name)));
    this.set(PlanWord.PATH, this.own(plainString(path)));
    this.set(PlanWord.ARGV, argv.address());
    this.set(PlanWord.ENVIRONMENT, environment.address());
    this.set(PlanWord.SCRIPT, this.own(script));
    this.set(PlanWord.STATUS, status);
  }

  /**
   * Starts a child that carries it out, in the control group whose directory a descriptor names; -1 for the agent's own.
   * Returns its pid, or -errno.
   */
  start(group: number): number {
    const pid = become(this.bytes, group);
    // Not before.
    this.owned.splice(0);
    return pid;
  }

  private own(bytes: Uint8Array): number {
    this.owned.push(bytes);
    return addressOf(bytes);
  }

  private set(word: number, value: number): void {
    this.view.setFloat64(word * WORD_BYTES, value, true);
  }
}
