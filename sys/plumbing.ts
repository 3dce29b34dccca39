/** The descriptors that a child is started with. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { close } from "./file.ts";

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;

/** Collects descriptors, so that all of them are closed where a step fails. All are close-on-exec. */
export class Plumbing {
  private readonly fds: number[] = [];

  add(fd: number): number {
    this.fds.push(fd);
    return fd;
  }

  /** A pipe whose reading end is the parent's and does not block; `last` is the other one. Throws SysError. */
  pipe(): number {
    const pair = this.pair();
    const reader = pair.getInt32(0, true);
    check(call(Call.fcntl, reader, F_SETFL, O_NONBLOCK), "fcntl", "");
    return reader;
  }

  /** A pipe whose writing end is the parent's and does not block; `last` is the other one. Throws SysError. */
  inputPipe(): number {
    const pair = this.pair();
    const writer = pair.getInt32(4, true);
    check(call(Call.fcntl, writer, F_SETFL, O_NONBLOCK), "fcntl", "");
    this.fds.reverse();
    return writer;
  }

  /** A pipe whose reading end, the parent's, blocks; `last` is the other one. Throws SysError. */
  status(): number {
    return this.pair().getInt32(0, true);
  }

  /** Closes the descriptor that was added last. */
  closeLast(): void {
    const fd = this.fds.pop();
    if (fd !== undefined) close(fd);
  }

  private pair(): DataView {
    const pair = new Uint8Array(8);
    const view = new DataView(pair.buffer);
    check(call(Call.pipe2, addressOf(pair), O_CLOEXEC, 0), "pipe2", "");
    this.add(view.getInt32(0, true));
    this.add(view.getInt32(4, true));
    return view;
  }

  /** The descriptor that was added last. */
  last(): number {
    return this.fds.at(-1) ?? -1;
  }

  closeAll(): void {
    for (const fd of this.fds) close(fd);
  }
}
