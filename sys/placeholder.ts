/**
 * Descriptors 0, 1 and 2 of a program that was started without some of them, as the kernel starts PID 1 where it finds no
 * console. Until there is a /dev the root directory holds their numbers, so that no socket gets one.
 */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";

const O_RDONLY = 0;
const O_RDWR = 2;
const O_NOCTTY = 0o400;

export class Placeholders {
  private readonly fds: number[] = [];

  /** Opens `/` in place of each of the three that is closed. */
  fill(): void {
    const root = cstring("/");
    for (;;) {
      // The lowest free number.
      const fd = call(Call.open, addressOf(root), O_RDONLY, 0);
      if (fd >= 0 && fd <= 2) {
        this.fds.push(fd);
        continue;
      }
      if (fd >= 0) call(Call.close, fd, 0, 0);
      return;
    }
  }

  /** Whether none of the three was closed, or all are replaced. */
  get isEmpty(): boolean {
    return this.fds.length === 0;
  }

  /** Puts the console, else /dev/null, in their place; they stay where neither can be opened. It becomes nobody's terminal. */
  replace(): void {
    for (const fd of this.fds) {
      let opened = open("/dev/console");
      if (opened < 0) opened = open("/dev/null");
      if (opened < 0) return;
      call(Call.dup2, opened, fd, 0);
      call(Call.close, opened, 0, 0);
    }
    this.fds.length = 0;
  }
}

function open(path: string): number {
  const name = cstring(path);
  return call(Call.open, addressOf(name), O_RDWR | O_NOCTTY, 0);
}
