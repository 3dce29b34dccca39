/** Bytes from one socket to another, as many as go at once. */
import { Errno } from "../../sys/errno.ts";
import type { Pipe } from "../../sys/pipe-pool.ts";
import { peek, send, skip } from "../../sys/socket.ts";
import { splice } from "../../sys/transfer.ts";

/** Bytes moved in one turn of the loop, and in one call. */
const TURN_BYTES = 1024 * 1024;
const STEP_BYTES = 65536;

/** Where bytes have stopped. */
export const enum Flow {
  /** Nothing more is there. */
  DRY,
  /** Nothing more is taken. */
  FULL,
  /** The end of input. */
  OVER,
  /** One of the sockets has failed. */
  BROKEN,
  /** Not a socket for splice(2); nothing was moved. */
  UNFIT,
}

/** Moves bytes through a pipe, without copying them. What is not taken stays in the pipe. */
export function flowThrough(from: number, to: number, pipe: Pipe): Flow {
  for (let left = TURN_BYTES; left > 0; ) {
    if (pipe.count === 0) {
      const got = splice(from, pipe.writer, STEP_BYTES);
      if (got <= 0) return got === -Errno.EINVAL ? Flow.UNFIT : inputState(got);
      pipe.count = got;
    }
    const sent = splice(pipe.reader, to, pipe.count);
    if (sent < 0) return outputState(sent);
    pipe.count -= sent;
    left -= sent;
  }
  return pipe.count > 0 ? Flow.FULL : Flow.DRY;
}

/** Moves bytes by a copy, for which it needs a buffer. What is not taken stays where it came from. */
export function flowOver(from: number, to: number, buffer: Uint8Array): Flow {
  for (let left = TURN_BYTES; left > 0; ) {
    const got = peek(from, buffer);
    if (got <= 0) return inputState(got);
    const sent = send(to, buffer, 0, got);
    if (sent < 0) return outputState(sent);
    skip(from, sent);
    left -= sent;
  }
  return Flow.DRY;
}

function inputState(result: number): Flow {
  return result === 0 ? Flow.OVER : result === -Errno.EAGAIN ? Flow.DRY : Flow.BROKEN;
}

function outputState(result: number): Flow {
  return result === -Errno.EAGAIN ? Flow.FULL : Flow.BROKEN;
}
