/** Stopping writes to a file system; ioctl_fsfreeze in linux/fs.h. */
import { addressOf, call, call6 } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { leaveChild } from "./child.ts";
import { Errno } from "./errno.ts";
import { launchWork } from "./launch.ts";

const SYS_CLOSE_RANGE = 436;
const LAST_FD = 0xffffffff;
const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;

/**
 * Starts a child that freezes the file system of the root, or thaws it: either may wait for what is being written.
 * Returns its pid; it ends with 0, also where that is done already, or with the errno. Throws SysError where it could
 * not fork.
 */
export function launchFreeze(freezes: boolean): number {
  const path = cstring("/");
  const request = freezes ? FIFREEZE : FITHAW;
  const done = freezes ? -Errno.EBUSY : -Errno.EINVAL;
  return launchWork(() => {
    call6(Call.syscall, SYS_CLOSE_RANGE, 3, LAST_FD, 0, 0, 0);
    const fd = call(Call.open, addressOf(path), O_RDONLY | O_CLOEXEC, 0);
    const result = fd < 0 ? fd : call(Call.ioctl, fd, request, 0);
    leaveChild(result < 0 && result !== done ? -result : 0);
  });
}
