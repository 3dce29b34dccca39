// How a call of sys/ fails.

import { SysError } from "../../sys/errno.ts";

/** The number of the error that a call fails with; 0 where it does not. */
export function errnoOf(body: () => unknown): number {
  try {
    body();
  } catch (error) {
    if (error instanceof SysError) return error.errno;
    throw error;
  }
  return 0;
}
