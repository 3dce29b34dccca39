// Random numbers that come again: a failure is seen anew by its seed.

/** Lehmer's generator, exact in doubles. What it returns gives a whole number below its argument. */
export function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * bound);
  };
}
