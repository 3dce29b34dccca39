/** A process between fork and exec: whether it runs is told by the status that it writes. */
import { close } from "../../sys/file.ts";
import { Ready, Source } from "../../sys/loop.ts";
import { reap } from "../../sys/process.ts";
import type { SysError } from "../../sys/errno.ts";
import { ENTER, type Program, type Started, startFailure, startOnTerminal, startOverPipes } from "../../sys/start.ts";
import type { ProcessConfig } from "./config.ts";
import { Process } from "./process.ts";
import { type ProcessTable, SYSTEM_TAG } from "./table.ts";
import type { WindowSize } from "./window-size.ts";

/** Who has a process started. */
export abstract class Starter {
  /** It runs, and is listed. Nothing of it has been read. */
  abstract onStarted(process: Process): void;

  abstract onFailed(error: SysError): void;
}

/** How a process is started beside what its configuration says. */
export class StartOptions {
  readonly tag: string | undefined;
  /** Undefined for one on pipes. */
  readonly size: WindowSize | undefined;
  readonly hasInput: boolean;

  constructor(tag: string | undefined, size: WindowSize | undefined, hasInput: boolean) {
    this.tag = tag;
    this.size = size;
    this.hasInput = hasInput;
  }
}

export class Starting extends Source {
  private readonly table: ProcessTable;
  private readonly program: Program;
  private readonly process: Process;
  private readonly starter: Starter;
  private isSettled = false;
  private hasFailed = false;

  /**
   * Starts a program. Throws SysError where it could not fork, RpcError while its group is frozen; `starter` hears of
   * everything else.
   */
  static start(table: ProcessTable, program: Program, config: ProcessConfig, options: StartOptions, starter: Starter): void {
    const { size } = options;
    if (options.tag !== SYSTEM_TAG) program.group = table.groups.groupFor(size !== undefined);
    const started = size === undefined
      ? startOverPipes(program, options.hasInput)
      : startOnTerminal(program, size.columns, size.rows);
    const starting = new Starting(table, program, started, new Process(table, started, options.tag, config.encode()), starter);
    table.loop.add(starting, Ready.READABLE);
    table.exits.watch(started.pid, () => starting.onExit());
  }

  private constructor(table: ProcessTable, program: Program, started: Started, process: Process, starter: Starter) {
    super(started.status);
    this.table = table;
    this.program = program;
    this.process = process;
    this.starter = starter;
  }

  override onReady(_ready: number): void {
    if (this.isSettled) return;
    const failure = startFailure(this.fd, this.program);
    if (failure !== undefined && failure.call === ENTER) return this.table.groups.complain(failure);
    this.isSettled = true;
    this.table.loop.remove(this);
    close(this.fd);
    if (failure !== undefined) {
      this.hasFailed = true;
      this.process.abandon();
      return this.starter.onFailed(failure);
    }
    this.table.add(this.process);
    this.starter.onStarted(this.process);
    this.process.keep();
    this.process.run();
  }

  private onExit(): void {
    // Its status is there: nobody else holds the descriptor. It may have told of its group first.
    this.onReady(Ready.READABLE);
    this.onReady(Ready.READABLE);
    if (this.hasFailed) reap(this.process.pid);
    else this.process.onExit();
  }
}
