/** List, Update, SendSignal and CloseStdin; envd-rpc.md 3.10, 3.11. */
import type { Call } from "../../connect/call.ts";
import { Code } from "../../connect/code.ts";
import { invalid, RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { Method, MethodKind } from "../../connect/method.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { Signal } from "../../sys/signals.ts";
import { processSchema } from "./messages.ts";
import { Selector } from "./selector.ts";
import type { ProcessTable } from "./table.ts";
import { WindowSize } from "./window-size.ts";

/** A precondition that the process does not meet. */
export function unfit(message: string): RpcError {
  return new RpcError(Code.FAILED_PRECONDITION, message);
}

export class ListMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/List", MethodKind.UNARY, processSchema, "Empty", "ListResponse");
    this.table = table;
  }

  override start(call: Call, _request: Message): void {
    const writer = new MessageWriter();
    for (const process of this.table.live) {
      const info = writer.open(1);
      writer.presentData(1, process.config, 0, process.config.length);
      writer.uint32(2, process.pid);
      if (process.tag !== undefined) writer.presentText(3, process.tag);
      writer.close(info);
    }
    call.reply(writer);
  }
}

export class UpdateMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/Update", MethodKind.UNARY, processSchema, "UpdateRequest", "Empty");
    this.table = table;
  }

  override start(call: Call, request: Message): void {
    const process = Selector.of(this.table, request).process();
    const pty = request.message(2);
    if (pty.has(1)) {
      const size = WindowSize.read(pty);
      if (!process.isOnTerminal) throw unfit("tty not assigned to process");
      process.resize(size.columns, size.rows);
    }
    call.reply(new MessageWriter());
  }
}

export class SendSignalMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/SendSignal", MethodKind.UNARY, processSchema, "SendSignalRequest", "Empty");
    this.table = table;
  }

  override start(call: Call, request: Message): void {
    const selector = Selector.of(this.table, request);
    const signal = request.number(2);
    const process = selector.process();
    if (signal !== Signal.KILL && signal !== Signal.TERM) throw invalid("invalid or unspecified signal");
    if (!process.signal(signal)) throw selector.notFound();
    call.reply(new MessageWriter());
  }
}

export class CloseStdinMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/CloseStdin", MethodKind.UNARY, processSchema, "SelectRequest", "Empty");
    this.table = table;
  }

  override start(call: Call, request: Message): void {
    const process = Selector.of(this.table, request).process();
    if (process.isOnTerminal) throw unfit("cannot close stdin for PTY process — send Ctrl+D (0x04) instead");
    process.input.close();
    call.reply(new MessageWriter());
  }
}
