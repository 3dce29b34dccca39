/** Leaving nothing to be lost on the way to a disk, and no page cache to be kept. */
import { addressOf, call, call6 } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { launchWork } from "./launch.ts";

const SYS_CLOSE_RANGE = 436;
const LAST_FD = 0xffffffff;
const O_WRONLY = 1;

/**
 * Starts a child that writes all file systems out, sync(2), and then drops the clean pages of the page cache, where it
 * may; proc(5), /proc/sys/vm/drop_caches. In this order, because only what has been written is clean. Returns its pid.
 * Throws SysError where it could not fork.
 */
export function launchFlush(): number {
  // Everything that allocates happens before the fork.
  const path = cstring("/proc/sys/vm/drop_caches");
  const one = cstring("1");
  return launchWork(() => {
    // A connection that is closed meanwhile must not stay open here.
    call6(Call.syscall, SYS_CLOSE_RANGE, 3, LAST_FD, 0, 0, 0);
    call(Call.sync, 0, 0, 0);
    const fd = call(Call.open, addressOf(path), O_WRONLY, 0);
    call(Call.write, fd, addressOf(one), 1);
  });
}
