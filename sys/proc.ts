/** What /proc tells of a process; proc(5). */
import { decodeText } from "./bytes.ts";
import { SysError } from "./errno.ts";
import { close, openForReading, read } from "./file.ts";

const STAT_BYTES = 512;

/** Whether a process is stopped, by a signal (T) or by a debugger (t). */
export function isStopped(pid: number): boolean {
  const state = stateOf(pid);
  return state === "T" || state === "t";
}

/** The state letter of a process; empty where there is none. */
function stateOf(pid: number): string {
  const bytes = new Uint8Array(STAT_BYTES);
  try {
    const fd = openForReading(`/proc/${pid}/stat`);
    const length = read(fd, bytes, 0, STAT_BYTES);
    close(fd);
    const text = decodeText(bytes, 0, Math.max(length, 0));
    // The name before it may hold anything, parentheses too.
    return text.charAt(text.lastIndexOf(")") + 2);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return "";
  }
}
