/** The configuration of a process, as a request has it; envd-rpc.md 3.2. */
import { invalid } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { MessageWriter } from "../../connect/writer.ts";

export class ProcessConfig {
  readonly command: string;
  readonly args: string[];
  readonly variables: Map<string, string>;
  /** Empty where there is none. */
  readonly directory: string;
  private readonly hasDirectory: boolean;

  private constructor(config: Message) {
    this.command = config.text(1);
    this.args = config.texts(2);
    this.variables = config.map(3);
    this.directory = config.text(4);
    this.hasDirectory = config.has(4);
  }

  /** Throws RpcError for what no process can have. */
  static read(config: Message): ProcessConfig {
    const read = new ProcessConfig(config);
    if (read.command === "") throw invalid("command required");
    read.check(read.command, "command");
    read.check(read.directory, "cwd");
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
    if (this.hasDirectory) writer.presentText(4, this.directory);
    return writer.bytes.slice(0, writer.size);
  }

  private check(text: string, what: string): void {
    if (text.includes("\0")) throw invalid(`${what} contains a NUL`);
  }
}
