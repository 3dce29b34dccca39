/** Terminals, ioctl_tty(2). */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";

const TIOCGWINSZ = 0x5413;
/** What a terminal has that does not say. */
const USUAL_COLUMNS = 80;

/** The width of the terminal that a descriptor is, in characters; 0 where it is none. */
export function terminalColumns(fd: number): number {
  const winsize = new Uint8Array(8);
  if (call(Call.ioctl, fd, TIOCGWINSZ, addressOf(winsize)) < 0) return 0;
  const columns = new DataView(winsize.buffer).getUint16(2, true);
  return columns === 0 ? USUAL_COLUMNS : columns;
}
