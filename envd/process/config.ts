/** The configuration of a process, as a request has it; envd-rpc.md 3.2. */
import { invalid } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { MessageWriter } from "../../connect/writer.ts";

export class ProcessConfig {
  readonly command: string;
  readonly args: string[];
  readonly variables: Map<string, string>;
  /** Undefined where there is none. */
  readonly directory: string | undefined;

  constructor(command: string, args: string[], variables: Map<string, string>, directory: string | undefined) {
    this.command = command;
    this.args = args;
    this.variables = variables;
    this.directory = directory;
  }

  /** Throws RpcError for what no process can have. */
  static read(config: Message): ProcessConfig {
    const directory = config.has(4) ? config.text(4) : undefined;
    const read = new ProcessConfig(config.text(1), config.texts(2), config.map(3), directory);
    if (read.command === "") throw invalid("command required");
    read.check(read.command, "command");
    read.check(read.directory ?? "", "cwd");
    for (const argument of read.args) read.check(argument, "argument");
    for (const [name, value] of read.variables) {
      read.check(name + value, "environment variable");
      if (name === "" || name.includes("=")) throw invalid("invalid name of an environment variable");
    }
    return read;
  }

  /** The message once more, in the binary encoding: what it was sent as, without what nobody knows. */
  encode(): Uint8Array {
    const writer = new MessageWriter();
    writer.text(1, this.command);
    for (const argument of this.args) writer.presentText(2, argument);
    for (const [name, value] of this.variables) writer.entry(3, name, value);
    if (this.directory !== undefined) writer.presentText(4, this.directory);
    return writer.bytes.slice(0, writer.size);
  }

  private check(text: string, what: string): void {
    if (text.includes("\0")) throw invalid(`${what} contains a NUL`);
  }
}
