/** Standard descriptors. */
import { addressOf, call } from "#libc";
import { encodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno } from "./errno.ts";
import { close, openNull } from "./file.ts";
import { Ready } from "./loop.ts";
import { awaitReady } from "./wait.ts";

const F_GETFD = 1;

/** Writes a text to a descriptor, all of it, waiting where need be. Returns false where the reader is gone. */
export function writeText(fd: number, text: string): boolean {
  const bytes = encodeText(text);
  return writeAll(fd, bytes, 0, bytes.length);
}

/** Writes bytes [start, end) to a descriptor, waiting where need be. Returns false where that failed. */
export function writeAll(fd: number, bytes: Uint8Array, start: number, end: number): boolean {
  return writeFully(fd, bytes, start, end) === 0;
}

/**
 * Writes bytes [start, end) to a descriptor, waiting where need be, also where another program has made it
 * non-blocking. Returns 0 or -errno.
 */
export function writeFully(fd: number, bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end) {
    const written = call(Call.write, fd, addressOf(bytes) + position, end - position);
    if (written === -Errno.EINTR) continue;
    if (written === -Errno.EAGAIN) awaitReady(fd, Ready.WRITABLE);
    else if (written < 0) return written;
    else position += written;
  }
  return 0;
}

/** Opens /dev/null in place of a standard descriptor that is closed, so that none of the agent's own takes its number. */
export function fillStandardDescriptors(): void {
  for (let fd = 0; fd <= 2; fd++) {
    if (call(Call.fcntl, fd, F_GETFD, 0) >= 0) continue;
    // The lowest free number is this one.
    const opened = openNull();
    call(Call.dup2, opened, fd, 0);
    if (opened > 2) close(opened);
  }
}

/** Ends the process at once. */
export function exit(code: number): void {
  call(Call._exit, code, 0, 0);
}
