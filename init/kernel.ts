/** What an init sets in the kernel, for the machine and for itself; lifecycle.md 1.2 step 7, 1.6, 1.10. */
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { setFileLimit } from "../sys/limits.ts";
import { Level, log } from "../sys/log.ts";
import { setHostname } from "../sys/machine.ts";
import { readLine, writeSetting } from "../sys/text.ts";
import type { Settings } from "./settings.ts";

const SOFT_FILES = 1024;
const HARD_FILES = 524288;
const OOM_SCORE = "/proc/self/oom_score_adj";

/**
 * Does all of it. `isOwner`: the machine is ours, not somebody else's in which we are the init of a namespace: these
 * settings would be the whole machine's. What fails is logged, and the rest is done.
 */
export function prepareKernel(settings: Settings, isOwner: boolean): void {
  if (isOwner) {
    // A panic must end the VM, not leave it spinning.
    attempt(Level.WARN, () => changeSetting("/proc/sys/kernel/panic", "0", "1"));
    // Our log goes there, and would lose lines beyond some ten in five seconds.
    if (!settings.hasDevkmsg) {
      attempt(Level.WARN, () => changeSetting("/proc/sys/kernel/printk_devkmsg", "ratelimit", "on\n"));
    }
  }
  // In a container it is for its maker to say how much of this we may.
  const level = isOwner ? Level.WARN : Level.DEBUG;
  attempt(level, raiseFileLimits);
  attempt(level, becomeLastToKill);
  if (settings.hostname !== "") attempt(Level.WARN, () => setHostname(settings.hostname));
}

/** Sets what reads as the kernel's default to something else; leaves what somebody has chosen, and what is not there. */
function changeSetting(path: string, usual: string, wanted: string): void {
  if (readLine(path) === usual) writeSetting(path, wanted);
}

/** Has the kernel, out of memory, kill anything before us. Our children take this back. */
function becomeLastToKill(): void {
  if (readLine(OOM_SCORE) !== undefined) writeSetting(OOM_SCORE, "-1000");
}

/** What the children get: as much as programs expect, and leave to ask for more. */
function raiseFileLimits(): void {
  const most = readLine("/proc/sys/fs/nr_open") ?? "";
  const hard = consistsOf(most, DIGITS, 10) ? Math.min(Number(most), HARD_FILES) : HARD_FILES;
  setFileLimit(SOFT_FILES, hard);
}

function attempt(level: Level, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(level, error.describe());
  }
}
