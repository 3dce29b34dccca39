/** The guest's clock, set to the host's; envd-http.md 5.4. */
import { realtime, setRealtime, type Time } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";

const SECOND_NS = 1e9;
/** How far the guest's clock may be behind and ahead; nanoseconds. */
const BEHIND_NS = 50e6;
const AHEAD_NS = 5e9;

/** Whether a clock differs from another by more than is left alone. */
export function needsStep(guest: Time, host: Time): boolean {
  const behind = (host.seconds - guest.seconds) * SECOND_NS + host.nanoseconds - guest.nanoseconds;
  return behind > BEHIND_NS || behind < -AHEAD_NS;
}

/** Sets the system's clock where it is too far off. A failure is a line in the log. */
export function stepClock(host: Time): void {
  if (!needsStep(realtime(), host)) return;
  try {
    setRealtime(host);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `the clock stays as it is: ${error.describe()}`);
  }
}
