// Waiting for what has no event of its own, such as a line of /proc: by condition, with a bound.

import { host } from "./host.ts";

/** Polls until the condition holds; after `seconds`, or longer where the host is slow, throws, naming what was awaited. */
export async function until(
  what: string,
  seconds: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const start = performance.now();
  const limit = seconds * host.patience;
  while (!(await condition())) {
    if (performance.now() - start > limit * 1000) throw new Error(`not within ${limit} s: ${what}`);
    await Bun.sleep(4);
  }
}

/** The same for a test that lets nobody else run meanwhile, such as one that has forked. */
export function untilSync(what: string, seconds: number, condition: () => boolean): void {
  const start = performance.now();
  const limit = seconds * host.patience;
  while (!condition()) {
    if (performance.now() - start > limit * 1000) throw new Error(`not within ${limit} s: ${what}`);
    Bun.sleepSync(1);
  }
}
