/** Start and Connect: the calls whose answer is the events of a process; envd-rpc.md 3.2, 3.10. */
import type { Call } from "../../connect/call.ts";
import { invalid } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { Method, MethodKind } from "../../connect/method.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { SysError } from "../../sys/errno.ts";
import type { Defaults } from "../defaults.ts";
import { keepaliveInterval } from "../keepalive.ts";
import { ProcessConfig } from "./config.ts";
import { endResponse } from "./exit-status.ts";
import { eventFrame, processSchema } from "./messages.ts";
import type { Process } from "./process.ts";
import { programOf, startError } from "./program.ts";
import { Selector } from "./selector.ts";
import { begin, StartOptions, startProcess } from "./starting.ts";
import { Subscriber } from "./subscriber.ts";
import type { ProcessTable } from "./table.ts";
import { WindowSize } from "./window-size.ts";

export class StartMethod extends Method {
  private readonly table: ProcessTable;
  private readonly defaults: Defaults;

  constructor(table: ProcessTable, defaults: Defaults) {
    super("/process.Process/Start", MethodKind.SERVER_STREAM, processSchema, "StartRequest", "EventResponse");
    this.table = table;
    this.defaults = defaults;
  }

  override start(call: Call, request: Message): void {
    if (!request.has(1)) throw invalid("process config required");
    const config = ProcessConfig.read(request.message(1));
    const size = request.has(2) ? WindowSize.read(request.message(2)) : undefined;
    const tag = request.has(3) ? request.text(3) : undefined;
    const options = new StartOptions(tag, size, !request.has(4) || request.bool(4));
    const process = this.startProcess(call, config, options);
    // Whoever is gone keeps nothing from running.
    const subscriber = new Subscriber(call, this.table.loop, keepaliveInterval(call));
    if (call.deadline !== Infinity) process.limit(call.deadline - monotonicNow(), subscriber);
    begin(this.table, process, subscriber);
  }

  private startProcess(call: Call, config: ProcessConfig, options: StartOptions): Process {
    try {
      const program = programOf(config, this.defaults, call.exchange.user, options.size !== undefined);
      return startProcess(this.table, program, config, options);
    } catch (error) {
      // (Two statements: natively what a conditional expression throws loses its class.)
      if (error instanceof SysError) throw startError(error, config.command);
      throw error;
    }
  }
}

export class ConnectMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/Connect", MethodKind.SERVER_STREAM, processSchema, "SelectRequest", "EventResponse");
    this.table = table;
  }

  override start(call: Call, request: Message): void {
    const selector = Selector.of(this.table, request);
    const subscriber = new Subscriber(call, this.table.loop, keepaliveInterval(call));
    const process = selector.live;
    if (process !== undefined) return process.subscribe(subscriber);
    const index = selector.retained;
    if (index < 0) throw selector.notFound();
    const { retained } = this.table;
    subscriber.begin(undefined, retained.pid(index));
    subscriber.finish(eventFrame(endResponse(retained.status(index)), call.isJson));
  }
}
