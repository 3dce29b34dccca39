/** Hears of the system's clock being set, as programs do that wait for a time of day; timerfd_create(2). */
import { addressOf, call, call6 } from "#libc";
import { isX86 } from "../../../sys/architecture.ts";
import { Call } from "../../../sys/calls.ts";
import { writeText } from "../../../sys/stdio.ts";

const SYS_TIMERFD_CREATE = 283;
const SYS_TIMERFD_CREATE_ARM = 85;
const SYS_TIMERFD_SETTIME = 286;
const SYS_TIMERFD_SETTIME_ARM = 86;
const CLOCK_REALTIME = 0;
const TFD_CLOEXEC = 0o2000000;
/** TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET. */
const FLAGS = 3;
const ECANCELED = 125;
const STDOUT = 1;

/** Says `clock set` whenever it is, for ever. */
export function watchClock(): void {
  const fd = call6(Call.syscall, isX86() ? SYS_TIMERFD_CREATE : SYS_TIMERFD_CREATE_ARM, CLOCK_REALTIME, TFD_CLOEXEC, 0, 0, 0);
  // struct itimerspec: in the year 2106.
  const time = new Uint8Array(32);
  new DataView(time.buffer).setUint32(16, 0xffffffff, true);
  const settime = isX86() ? SYS_TIMERFD_SETTIME : SYS_TIMERFD_SETTIME_ARM;
  const count = new Uint8Array(8);
  call6(Call.syscall, settime, fd, FLAGS, addressOf(time), 0, 0);
  writeText(STDOUT, "watching\n");
  while (call(Call.read, fd, addressOf(count), count.length) === -ECANCELED) writeText(STDOUT, "clock set\n");
}
