/** What `put` reads. */
import { Errno, errnoText, SysError } from "../sys/errno.ts";
import { fstat, openWaiting, read } from "../sys/file.ts";
import { Ready } from "../sys/loop.ts";
import { awaitReady } from "../sys/wait.ts";
import { Failure } from "./failure.ts";

const STDIN = 0;
const NONE = -1;

/** A local file, or standard input, open until the process ends. All methods throw Failure. */
export class Source {
  /** Bytes; negative where only the end will tell: a pipe, a device, a file of /proc. */
  readonly size: number;
  /** Permission bits; negative where there are none to speak of. */
  readonly mode: number;
  private readonly name: string;
  private readonly fd: number;
  private position = 0;

  private constructor(name: string, fd: number, size: number, mode: number) {
    this.name = name;
    this.fd = fd;
    this.size = size;
    this.mode = mode;
  }

  /** Opens a file; `-` is standard input. */
  static open(path: string): Source {
    if (path === "-") return new Source("standard input", STDIN, NONE, NONE);
    try {
      const fd = openWaiting(path);
      const status = fstat(fd);
      const isSized = status.isRegular && status.size > 0;
      return new Source(path, fd, isSized ? status.size : NONE, status.isRegular ? status.permissions : NONE);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw new Failure(`cannot read ${path}: ${errnoText(error.errno)}`);
    }
  }

  /**
   * Reads the next bytes into an array from `offset` on. Returns how many; 0 at the end. Of a file with a size the last
   * bytes are given out only when it still has that size.
   */
  read(bytes: Uint8Array, offset: number, length: number): number {
    const wanted = this.size < 0 ? length : Math.min(length, this.size - this.position);
    if (wanted === 0) return 0;
    const count = this.readSome(bytes, offset, wanted);
    this.position += count;
    if (this.size < 0) return count;
    const size = count === 0 ? this.position : this.position === this.size ? fstat(this.fd).size : this.size;
    if (size === this.size) return count;
    throw new Failure(`${this.name} changed while it was sent: it had ${this.size} bytes and has ${size} now`);
  }

  private readSome(bytes: Uint8Array, offset: number, length: number): number {
    for (;;) {
      const count = read(this.fd, bytes, offset, length);
      if (count >= 0) return count;
      // Standard input may be non-blocking.
      if (count !== -Errno.EAGAIN) throw new Failure(`cannot read ${this.name}: ${errnoText(-count)}`);
      awaitReady(this.fd, Ready.READABLE);
    }
  }
}
