/** A process between fork and exec: whether it runs is told by the status that it writes. */
import type { Call } from "../../connect/call.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { close } from "../../sys/file.ts";
import { Ready, Source } from "../../sys/loop.ts";
import { reap } from "../../sys/process.ts";
import { type Program, type Started, startFailure } from "../../sys/start.ts";
import type { Process } from "./process.ts";
import { startError } from "./program.ts";
import type { Subscriber } from "./subscriber.ts";
import type { ProcessTable } from "./table.ts";

export class Starting extends Source {
  private readonly table: ProcessTable;
  private readonly program: Program;
  private readonly process: Process;
  private readonly call: Call;
  private readonly subscriber: Subscriber;
  private isSettled = false;
  private hasFailed = false;

  constructor(table: ProcessTable, program: Program, started: Started, process: Process, call: Call, subscriber: Subscriber) {
    super(started.status);
    this.table = table;
    this.program = program;
    this.process = process;
    this.call = call;
    this.subscriber = subscriber;
    table.loop.add(this, Ready.READABLE);
    table.exits.watch(process.pid, () => this.onExit());
  }

  override onReady(_ready: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const failure = startFailure(this.fd, this.program);
    this.table.loop.remove(this);
    close(this.fd);
    if (failure === undefined) return this.run();
    this.hasFailed = true;
    this.process.abandon();
    this.call.fail(startError(failure, this.program.name));
  }

  /** It runs, and is listed before anybody hears of it. A caller that is gone keeps nobody from running. */
  private run(): void {
    this.table.add(this.process);
    if (!this.call.isOver) this.process.subscribe(this.subscriber);
    if (this.call.deadline !== Infinity) this.process.limit(this.call.deadline - monotonicNow(), this.subscriber);
    this.process.run();
  }

  private onExit(): void {
    // Its status is there: nobody else holds the descriptor.
    this.onReady(Ready.READABLE);
    if (this.hasFailed) reap(this.process.pid);
    else this.process.onExit();
  }
}
