/** The links of /dev that the kernel does not make, and shells and scripts expect; lifecycle.md 1.4. */
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { makeLink } from "../sys/node.ts";

/** Makes each of the links where nothing is. */
export function linkDevices(): void {
  link("/dev/fd", "/proc/self/fd");
  link("/dev/stdin", "/proc/self/fd/0");
  link("/dev/stdout", "/proc/self/fd/1");
  link("/dev/stderr", "/proc/self/fd/2");
  link("/dev/core", "/proc/kcore");
}

function link(path: string, target: string): void {
  try {
    makeLink(path, target);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
  }
}
