// Waiting for what has no event of its own, such as a line of /proc: by condition, with a bound.

/** Polls until the condition holds; after `seconds` throws, naming what was awaited. */
export async function until(
  what: string,
  seconds: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > seconds * 1000) throw new Error(`not within ${seconds} s: ${what}`);
    await Bun.sleep(4);
  }
}
