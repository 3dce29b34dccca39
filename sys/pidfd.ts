/** Processes as descriptors, pidfd_open(2): what it means stays one process, whoever gets its number later. */
import { call6 } from "#libc";
import { Call } from "./calls.ts";

/** The same numbers on every architecture. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

/** Opens a process, which has not been reaped. Returns the descriptor, which is the caller's, or -errno. */
export function openPidfd(pid: number): number {
  return call6(Call.syscall, SYS_PIDFD_OPEN, pid, 0, 0, 0, 0);
}

/** Sends a signal to a process. Returns whether it was there. */
export function signalPidfd(fd: number, signal: number): boolean {
  return call6(Call.syscall, SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0, 0) >= 0;
}
