/** A program of the system's that does a piece of work while the loop goes on. */
import { environAddress } from "#libc";
import { CStringVector } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { findProgram } from "../sys/file.ts";
import { launch } from "../sys/launch.ts";
import type { Loop } from "../sys/loop.ts";
import { Command, killGroup, reap } from "../sys/process.ts";
import { Timer } from "../sys/timer.ts";

const STDERR = 2;

export class Program {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly argv: string[];
  private readonly onEnd: (failure: string) => void;
  private readonly deadline = new Timer(() => this.giveUp());
  private pid = 0;
  private isGivenUp = false;

  /** `argv`: the program's name and its arguments, none with a NUL. `onEnd` gets why it failed, empty where it did not. */
  constructor(loop: Loop, exits: ExitWatcher, argv: string[], onEnd: (failure: string) => void) {
    this.loop = loop;
    this.exits = exits;
    this.argv = argv;
    this.onEnd = onEnd;
  }

  /** Starts it, for so many milliseconds at the most. It may have ended when this returns. */
  start(limit: number): void {
    const name = this.argv.at(0) ?? "";
    const path = findProgram(name);
    if (path === "") return this.onEnd(`${name}: no such program`);
    const vector = new CStringVector();
    for (const word of this.argv) vector.add(word);
    try {
      this.pid = launch(new Command(path, vector, environAddress(), ""), STDERR);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return this.onEnd(`${name}: ${error.describe()}`);
    }
    this.loop.timers.start(this.deadline, limit);
    this.exits.watch(this.pid, () => this.onExit());
  }

  private onExit(): void {
    this.loop.timers.cancel(this.deadline);
    const status = reap(this.pid);
    if (this.isGivenUp) return;
    const how = status < 0 ? `killed by signal ${-status}` : `exit code ${status}`;
    this.onEnd(status === 0 ? "" : `${this.argv.at(0) ?? ""}: ${how}`);
  }

  /** What cannot be killed at once, because it waits in the kernel, is not waited for. */
  private giveUp(): void {
    this.isGivenUp = true;
    killGroup(this.pid);
    this.onEnd(`${this.argv.at(0) ?? ""}: timed out`);
  }
}
