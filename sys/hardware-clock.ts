/** Clocks outside of the guest, which go on while it is stopped. */
import { addressOf, call } from "#libc";
import { cstring, readWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Time } from "./clock.ts";
import { SysError } from "./errno.ts";
import { close } from "./file.ts";
import { readLine } from "./text.ts";

const PTP_NAME = "/sys/class/ptp/ptp0/clock_name";
const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
const RTC_RD_TIME = 0x80247009;
/** struct tm of either libc; the kernel's struct rtc_time is its beginning. */
const TM_BYTES = 56;
/** It tells whole seconds: on average half of one is over. */
const HALF_SECOND_NS = 500_000_000;
const TIME_ERROR = 5;
/** struct timex on 64 bit, adjtimex(2). */
const TIMEX_BYTES = 208;

/** The host's time, where KVM tells it, to a microsecond; the kernel's Documentation/virt/kvm/ptp_kvm. */
export function hostTime(): Time | undefined {
  if (!isKvmClock()) return undefined;
  const fd = open("/dev/ptp0");
  const timespec = new Uint8Array(16);
  // CLOCKFD of the kernel's: clock_gettime(2), dynamic clocks.
  const result = fd < 0 ? fd : call(Call.clock_gettime, (~fd << 3) | 3, addressOf(timespec), 0);
  close(fd);
  const view = new DataView(timespec.buffer);
  return result < 0 ? undefined : new Time(readWord(view, 0), view.getUint32(8, true));
}

/** The time of the battery's clock, which is taken to be in UTC, to half a second; rtc(4). */
export function batteryTime(): Time | undefined {
  const fd = open("/dev/rtc0");
  const tm = new Uint8Array(TM_BYTES);
  const result = fd < 0 ? fd : call(Call.ioctl, fd, RTC_RD_TIME, addressOf(tm));
  close(fd);
  return result < 0 ? undefined : new Time(call(Call.timegm, addressOf(tm), 0, 0), HALF_SECOND_NS);
}

/** Whether a time service keeps the system's clock right: the kernel has been told how wrong it can be; adjtimex(2). */
export function isClockKept(): boolean {
  const timex = new Uint8Array(TIMEX_BYTES);
  return call(Call.adjtimex, addressOf(timex), 0, 0) !== TIME_ERROR;
}

function isKvmClock(): boolean {
  try {
    return readLine(PTP_NAME)?.startsWith("KVM") === true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

function open(path: string): number {
  const name = cstring(path);
  return call(Call.open, addressOf(name), O_RDONLY | O_CLOEXEC, 0);
}
