/** Pseudoterminals, pty(7) and ioctl_tty(2). */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { close } from "./file.ts";
import { plainString } from "./bytes.ts";
import { type Plan, Rule } from "./plan.ts";

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TIOCSCTTY = 0x540e;
const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
/** Opens the slave of a master without a path to it; Linux 4.13. */
const TIOCGPTPEER = 0x5441;
const KEEP_GROUP = -1;
const SLAVE_MODE = 0o620;
const MULTIPLEXER = "/dev/ptmx";
const OTHER_MULTIPLEXER = "/dev/pts/ptmx";

/** A new pseudoterminal. The caller owns both ends, which are close-on-exec; the master does not block. */
export class Pty {
  readonly master: number;
  readonly slave: number;

  private constructor(master: number, slave: number) {
    this.master = master;
    this.slave = slave;
  }

  /** Opens one of a size in characters, each below 65,536, whose slave a user owns. Throws SysError. */
  static open(columns: number, rows: number, uid: number): Pty {
    const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    let master = open(MULTIPLEXER, flags | O_NONBLOCK);
    // Where /dev is not the kernel's own, devpts still has one.
    if (master < 0) master = open(OTHER_MULTIPLEXER, flags | O_NONBLOCK);
    check(master, "open", MULTIPLEXER);
    try {
      const unlocked = new Uint8Array(4);
      check(call(Call.ioctl, master, TIOCSPTLCK, addressOf(unlocked)), "ioctl", MULTIPLEXER);
      setWindowSize(master, columns, rows);
      return new Pty(master, openSlave(master, flags, uid));
    } catch (error) {
      close(master);
      throw error;
    }
  }
}

function open(path: string, flags: number): number {
  const bytes = plainString(path);
  return call(Call.open, addressOf(bytes), flags, 0);
}

function openSlave(master: number, flags: number, uid: number): number {
  let slave = call(Call.ioctl, master, TIOCGPTPEER, flags);
  if (slave < 0) {
    const number = new Uint8Array(4);
    check(call(Call.ioctl, master, TIOCGPTN, addressOf(number)), "ioctl", MULTIPLEXER);
    const path = `/dev/pts/${new DataView(number.buffer).getUint32(0, true)}`;
    slave = check(open(path, flags), "open", path);
  }
  // So that it can be opened by its name again. Where that fails it still is the terminal.
  call(Call.fchown, slave, uid, KEEP_GROUP);
  call(Call.fchmod, slave, SLAVE_MODE, 0);
  return slave;
}

/** Sets the size of a terminal in characters; its foreground group gets SIGWINCH. Returns 0 or -errno. */
export function setWindowSize(fd: number, columns: number, rows: number): number {
  const winsize = new Uint8Array(8);
  const view = new DataView(winsize.buffer);
  view.setUint16(0, rows, true);
  view.setUint16(2, columns, true);
  return call(Call.ioctl, fd, TIOCSWINSZ, addressOf(winsize));
}

/** Adds to the plan of a child: a session of its own, whose controlling terminal this one is. */
export function planTerminal(plan: Plan, slave: number): void {
  plan.add(Call.setsid, 0, 0, 0, 0, Rule.ANY);
  plan.add(Call.ioctl, slave, TIOCSCTTY, 0, 0, Rule.TERMINAL);
}
