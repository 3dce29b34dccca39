/** Which process a request is about; envd-rpc.md 3.11. */
import { Code } from "../../connect/code.ts";
import { invalid, RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import type { Process } from "./process.ts";
import type { ProcessTable } from "./table.ts";

export class Selector {
  private readonly table: ProcessTable;
  private readonly pid: number;
  /** Undefined where it goes by the pid. */
  private readonly tag: string | undefined;

  private constructor(table: ProcessTable, pid: number, tag: string | undefined) {
    this.table = table;
    this.pid = pid;
    this.tag = tag;
  }

  /** The selector in the first field of a request. Throws RpcError. */
  static of(table: ProcessTable, request: Message): Selector {
    const selector = request.message(1);
    if (selector.has(1)) return new Selector(table, selector.number(1), undefined);
    if (selector.has(2)) return new Selector(table, 0, selector.text(2));
    throw invalid("process selector required");
  }

  /** A process that has not ended; undefined where there is none. */
  get live(): Process | undefined {
    return this.tag === undefined ? this.table.byPid(this.pid) : this.table.byTag(this.tag);
  }

  /** The index of the end of a process; -1 where there is none. */
  get retained(): number {
    const { retained } = this.table;
    return this.tag === undefined ? retained.byPid(this.pid) : retained.byTag(this.tag);
  }

  /** A process that has not ended. Throws RpcError. */
  process(): Process {
    const process = this.live;
    if (process === undefined) throw this.notFound();
    return process;
  }

  notFound(): RpcError {
    const what = this.tag === undefined ? `pid ${this.pid}` : `tag ${this.tag}`;
    return new RpcError(Code.NOT_FOUND, `process with ${what} not found`);
  }
}
