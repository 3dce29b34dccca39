/** The guest's clock, set to the host's or the hardware's; envd-http.md 5.4, lifecycle.md 5.6. */
import { realtime, setRealtime, type Time } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { batteryTime, hostTime } from "../sys/hardware-clock.ts";
import { Level, log } from "../sys/log.ts";

const SECOND_NS = 1e9;
/** How far the guest's clock may be behind and ahead of what the host says; nanoseconds. */
const BEHIND_NS = 50e6;
const AHEAD_NS = 5e9;
/** How far it may be off from a clock of the hardware's, to either side. */
const HOST_CLOCK_NS = 50e6;
const BATTERY_CLOCK_NS = 2e9;

/** Whether a guest's clock differs from another by more than is left alone. */
export function needsStep(guest: Time, other: Time, behindLimit: number, aheadLimit: number): boolean {
  const behind = (other.seconds - guest.seconds) * SECOND_NS + other.nanoseconds - guest.nanoseconds;
  return behind > behindLimit || behind < -aheadLimit;
}

/** Sets the system's clock to what the host says, where it is too far off. A failure is a line in the log. */
export function stepClock(host: Time): void {
  step(host, BEHIND_NS, AHEAD_NS);
}

/** The same to a clock of the hardware's. Returns whether there is one that can be trusted. */
export function stepToHardware(): boolean {
  const host = hostTime();
  const time = host ?? batteryTime();
  if (time === undefined) return false;
  const limit = host === undefined ? BATTERY_CLOCK_NS : HOST_CLOCK_NS;
  step(time, limit, limit);
  return true;
}

function step(time: Time, behindLimit: number, aheadLimit: number): void {
  if (!needsStep(realtime(), time, behindLimit, aheadLimit)) return;
  try {
    setRealtime(time);
    log(Level.INFO, "the clock has been set");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `the clock stays as it is: ${error.describe()}`);
  }
}
