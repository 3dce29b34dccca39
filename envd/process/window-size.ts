/** The size of a terminal, in characters. */
import { invalid } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";

const MAX = 65_535;

export class WindowSize {
  readonly columns: number;
  readonly rows: number;

  private constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** The size in a PTY message, 0x0 where it has none. Throws RpcError. */
  static read(pty: Message): WindowSize {
    const size = pty.message(1);
    const columns = size.number(1);
    const rows = size.number(2);
    if (columns > MAX || rows > MAX) throw invalid(`a terminal has at most ${MAX} columns and rows`);
    return new WindowSize(columns, rows);
  }
}
