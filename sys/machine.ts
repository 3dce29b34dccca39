/**
 * The machine as its init ends it: kill(2) of every process, sync(2), reboot(2), and sysrq-trigger of proc(5).
 *
 * The init of a PID namespace shares disks, swap and sysrq with others, so it leaves them alone: its own reboot(2) ends
 * the namespace, and with that the namespace's mounts.
 */
import { addressOf, call } from "#libc";
import { cstring, encodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import type { Signal } from "./signals.ts";
import { Teardown } from "./unmount.ts";

const INIT_PID = 1;
const EVERY_PROCESS = -1;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;

/** Commands of reboot(2). RB_HALT_SYSTEM is not among them: every monitor of virtual machines stays with a halted one. */
export const enum Reboot {
  DISABLE_CAD = 0,
  AUTOBOOT = 0x01234567,
  POWER_OFF = 0x4321fedc,
}

/** Requests to sysrq-trigger; the kernel's admin-guide/sysrq. */
export const enum SysRq {
  RESTART = "b",
  POWER_OFF = "o",
  READ_ONLY = "u",
}

/** reboot(2) by PID 1; nobody else is to try. Returns -errno, where it returns. */
function rebootAsInit(command: Reboot): number {
  if (call(Call.getpid, 0, 0, 0) !== INIT_PID) return -Errno.EPERM;
  return call(Call.reboot, command, 0, 0);
}

/** Names the machine; sethostname(2). Throws SysError. */
export function setHostname(name: string): void {
  const bytes = encodeText(name);
  check(call(Call.sethostname, addressOf(bytes), bytes.length, 0), "sethostname", name);
}

export class Machine {
  /** Whether disks, swap and power are this init's to end. */
  readonly isWhole: boolean;

  constructor(isWhole: boolean) {
    this.isWhole = isWhole;
  }

  /**
   * The machine that this process is the init of, where it is one. From now on ctrl-alt-del sends SIGINT instead of a
   * restart; the kernel refuses that to the init of a PID namespace with EINVAL, and without CAP_SYS_BOOT with EPERM.
   */
  static take(): Machine {
    return new Machine(call(Call.getpid, 0, 0, 0) === INIT_PID && rebootAsInit(Reboot.DISABLE_CAD) === 0);
  }

  /** Sends a signal to every process but this one. */
  signalAll(signal: Signal): void {
    if (call(Call.getpid, 0, 0, 0) === INIT_PID) call(Call.kill, EVERY_PROCESS, signal, 0);
  }

  /** Writes out what is in memory. May block for ever. */
  sync(): void {
    call(Call.sync, 0, 0, 0);
  }

  /** Reads what is mounted and returns the work that unmounts it, which may block for ever. */
  unmounting(): () => void {
    const teardown = new Teardown();
    return () => {
      if (!this.isWhole) return;
      teardown.swapOff();
      teardown.unmount();
      if (!teardown.sealRoot()) this.request(SysRq.READ_ONLY);
    };
  }

  /** Ends the machine or the namespace. Returns -errno, where it returns. */
  reboot(command: Reboot): number {
    return rebootAsInit(command);
  }

  /** Has the kernel do something at once, whatever state the machine is in. */
  request(key: SysRq): void {
    if (!this.isWhole) return;
    const path = cstring("/proc/sysrq-trigger");
    const fd = call(Call.open, addressOf(path), O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    const text = cstring(key);
    call(Call.write, fd, addressOf(text), 1);
    call(Call.close, fd, 0, 0);
  }
}
