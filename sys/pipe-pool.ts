/** Pipes that bytes pass through on their way from socket to socket. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { close } from "./file.ts";
import { Idler } from "./loop.ts";

/** O_NONBLOCK, O_CLOEXEC. */
const FLAGS = 0o2004000;

export class Pipe {
  readonly reader: number;
  readonly writer: number;
  /** Bytes in it. */
  count = 0;

  constructor(reader: number, writer: number) {
    this.reader = reader;
    this.writer = writer;
  }

  close(): void {
    close(this.reader);
    close(this.writer);
  }
}

/** Lends pipes of 64 KiB, a few at the same time. It keeps those that are not lent while the process works. */
export class PipePool extends Idler {
  private readonly max: number;
  private readonly spares: Pipe[] = [];
  private lent = 0;

  constructor(max: number) {
    super();
    this.max = max;
  }

  /** An empty pipe; undefined where too many are lent, or no descriptor is left. */
  take(): Pipe | undefined {
    const pipe = this.spares.pop() ?? this.make();
    if (pipe !== undefined) this.lent++;
    return pipe;
  }

  /** Gives a pipe back; one with bytes in it is closed. */
  give(pipe: Pipe): void {
    this.lent--;
    if (pipe.count === 0) this.spares.push(pipe);
    else pipe.close();
  }

  override onIdle(): void {
    for (const pipe of this.spares.splice(0)) pipe.close();
  }

  private make(): Pipe | undefined {
    const pair = new Uint8Array(8);
    if (this.lent >= this.max || call(Call.pipe2, addressOf(pair), FLAGS, 0) < 0) return undefined;
    const view = new DataView(pair.buffer);
    return new Pipe(view.getInt32(0, true), view.getInt32(4, true));
  }
}
