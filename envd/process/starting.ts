/** Starting a process. */
import { startOnTerminal, startOverPipes, type Program } from "../../sys/start.ts";
import type { ProcessConfig } from "./config.ts";
import { Process } from "./process.ts";
import type { Subscriber } from "./subscriber.ts";
import { type ProcessTable, SYSTEM_TAG } from "./table.ts";
import type { WindowSize } from "./window-size.ts";

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

/** Starts a program, which is listed then; nothing of it is read before `begin`. Throws SysError, RpcError while its group is frozen. */
export function startProcess(table: ProcessTable, program: Program, config: ProcessConfig, options: StartOptions): Process {
  const { size } = options;
  if (options.tag !== SYSTEM_TAG) program.group = table.groups.groupFor(size !== undefined);
  const started = size === undefined
    ? startOverPipes(program, options.hasInput)
    : startOnTerminal(program, size.columns, size.rows);
  if (started.groupFailure !== undefined) table.groups.complain(started.groupFailure);
  const process = new Process(table, started, options.tag, config.encode());
  table.add(process);
  return process;
}

/** Has a started process go on by itself, and tells a subscriber, where there is one, of it. */
export function begin(table: ProcessTable, process: Process, subscriber: Subscriber | undefined): void {
  // First: who has heard of a process finds it again, also when this worker is not there any more.
  process.keep();
  if (subscriber !== undefined) process.subscribe(subscriber);
  process.run();
  table.exits.watch(process.pid, () => process.onExit());
}
