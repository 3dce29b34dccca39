/** SendInput and StreamInput; envd-rpc.md 3.11. */
import type { Call } from "../../connect/call.ts";
import { Code } from "../../connect/code.ts";
import { invalid, RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { Method, MethodKind } from "../../connect/method.ts";
import { CallOwner, MessageReader } from "../../connect/roles.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { unfit } from "./control.ts";
import { InputWaiter } from "./input-queue.ts";
import { processSchema } from "./messages.ts";
import type { Process } from "./process.ts";
import { Selector } from "./selector.ts";
import type { ProcessTable } from "./table.ts";

/** The messages of a request: the one of SendInput, or all that a client streams. */
class Input extends InputWaiter {
  private readonly call: Call;
  private readonly process: Process;
  private readonly then: () => void;

  /** `then` is called when what was written late has been written. */
  constructor(call: Call, process: Process, then: () => void) {
    super();
    this.call = call;
    this.process = process;
    this.then = then;
  }

  /** Writes a ProcessInput. Returns whether that is done, not to be waited for. Throws RpcError. */
  write(input: Message): boolean {
    const { process } = this;
    const isStdin = input.has(1);
    if (!isStdin && !input.has(2)) throw invalid("process input required");
    if (isStdin && (process.isOnTerminal || !process.input.takes)) throw unfit("stdin not enabled or closed");
    if (!isStdin && !process.isOnTerminal) throw unfit("pty not assigned to process");
    const bytes = input.data(isStdin ? 1 : 2);
    const reason = process.input.write(bytes, 0, bytes.length, this);
    if (reason === undefined) return false;
    if (reason !== "") throw brokenInput(reason);
    return true;
  }

  /** The call is over: where its time is up, what has not begun to be written is not to be. */
  leave(): void {
    if (monotonicNow() >= this.call.deadline) this.process.input.withdraw(this);
  }

  override onWritten(reason: string): void {
    if (reason === "") this.then();
    else this.call.fail(brokenInput(reason));
  }
}

function brokenInput(reason: string): RpcError {
  return new RpcError(Code.INTERNAL, `error writing to stdin: ${reason}`);
}

class InputOwner extends CallOwner {
  private readonly input: Input;

  constructor(input: Input) {
    super();
    this.input = input;
  }

  override onWritable(): void {}

  override onOver(): void {
    this.input.leave();
  }
}

export class SendInputMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/SendInput", MethodKind.UNARY, processSchema, "SendInputRequest", "Empty");
    this.table = table;
  }

  override start(call: Call, request: Message): void {
    const input = new Input(call, Selector.of(this.table, request).process(), () => call.reply(new MessageWriter()));
    if (input.write(request.message(2))) call.reply(new MessageWriter());
    else call.hold(new InputOwner(input));
  }
}

class InputStream extends MessageReader {
  private readonly call: Call;
  private readonly table: ProcessTable;
  private input: Input | undefined;
  private isWaiting = false;
  private hasEnded = false;

  constructor(call: Call, table: ProcessTable) {
    super();
    this.call = call;
    this.table = table;
  }

  override onMessage(message: Message): boolean {
    if (message.has(1)) {
      const process = Selector.of(this.table, message.message(1)).process();
      const input = new Input(this.call, process, () => this.onWritten());
      this.input = input;
      this.call.hold(new InputOwner(input));
    } else if (message.has(2)) {
      if (this.input === undefined) throw unfit("no start event received");
      this.isWaiting = !this.input.write(message.message(2).message(2));
    }
    return !this.isWaiting;
  }

  override onEnd(): void {
    this.hasEnded = true;
    if (!this.isWaiting) this.call.reply(new MessageWriter());
  }

  private onWritten(): void {
    this.isWaiting = false;
    if (this.hasEnded) this.call.reply(new MessageWriter());
    else this.call.resume();
  }
}

export class StreamInputMethod extends Method {
  private readonly table: ProcessTable;

  constructor(table: ProcessTable) {
    super("/process.Process/StreamInput", MethodKind.CLIENT_STREAM, processSchema, "StreamInputRequest", "Empty");
    this.table = table;
  }

  override start(call: Call, _request: Message): void {
    call.reader = new InputStream(call, this.table);
  }
}
