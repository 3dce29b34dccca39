/** Bytes that the kernel moves from descriptor to descriptor; sendfile(2), splice(2), copy_file_range(2). */
import { addressOf, call6 } from "#libc";
import { writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";

/** SPLICE_F_MOVE, SPLICE_F_NONBLOCK. */
const SPLICE_FLAGS = 3;

const position = new Uint8Array(8);
const positionView = new DataView(position.buffer);

/**
 * Sends up to `count` bytes of a file, from `offset` on, to a socket; the file's own position stays. Returns the bytes
 * sent, 0 at the end of the file, or -errno: -EAGAIN where the socket takes nothing now, -EINVAL for files that must be
 * read instead. The kernel moves at most 2 GB at once, and asks as much time: the caller bounds `count`.
 */
export function sendFile(socket: number, file: number, offset: number, count: number): number {
  writeWord(positionView, 0, offset);
  return call6(Call.sendfile, socket, file, addressOf(position), count, 0, 0);
}

/**
 * Copies up to `count` bytes from file to file, each from its own position on, which moves. Returns the bytes copied, 0
 * at the end, or -errno: -EXDEV, -EINVAL, -ENOSYS or -EOPNOTSUPP where these files must be read and written instead.
 * Files that do not know their size, as in /proc, may seem at their end.
 */
export function copyRange(from: number, to: number, count: number): number {
  return call6(Call.copy_file_range, from, 0, to, 0, count, 0);
}

/**
 * Moves up to `count` bytes from a socket into a pipe, or from a pipe into a socket; none of them is copied. Returns the
 * bytes moved, 0 at the end, or -errno: -EAGAIN where nothing is there or nothing is taken now, -EINVAL for a socket that
 * must be read instead.
 */
export function splice(from: number, to: number, count: number): number {
  return call6(Call.splice, from, 0, to, 0, count, SPLICE_FLAGS);
}
