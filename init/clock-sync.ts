/** The system's clock, kept right by the hardware's where nobody else keeps it; lifecycle.md 5.6. */
import { stepToHardware } from "../envd/clock-step.ts";
import { isClockKept } from "../sys/hardware-clock.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";

const INTERVAL_MS = 30_000;

/** Sets the clock, now and from time to time. Returns false, and does nothing, where no hardware tells the time. */
export function followHardwareClock(loop: Loop): boolean {
  const timer = new Timer(() => followHardwareClock(loop));
  // A time service does it better, whatever the hardware says.
  if (!isClockKept() && !stepToHardware()) return false;
  loop.timers.start(timer, INTERVAL_MS);
  return true;
}
