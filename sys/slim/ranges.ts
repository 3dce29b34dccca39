// What is known of a number: from where to where it can be, if it is an integer that a 64-bit register holds.

/** The integers from `low` to `high`; ANY is any number at all, undefined is none that has been seen yet. */
export type Range = Interval | typeof ANY | undefined;
export interface Interval { low: number; high: number }
export const ANY = "any";

/** Beyond this a double is no longer exact. What is counted or measured does not come here. */
const EXACT = 2 ** 53;
const STEPS = [0, 1, 255, 65535, 2 ** 31 - 1, 2 ** 32, 2 ** 40, EXACT];

export function interval(low: number, high: number): Interval {
  return { low, high };
}

export const INT32 = interval(-(2 ** 31), 2 ** 31 - 1);
/** Sizes and indexes of what is in memory. */
export const SIZE = interval(0, 2 ** 40);
export const INDEX = interval(-1, 2 ** 40);
export const WORD = interval(-EXACT, EXACT);

export function isInterval(range: Range): range is Interval {
  return range !== undefined && range !== ANY;
}

export function isWithin(range: Interval, low: number, high: number): boolean {
  return range.low >= low && range.high <= high;
}

/** Either of two, in a few large steps, so that what grows from turn to turn comes to an end. */
export function join(known: Range, more: Range): Range {
  if (known === undefined) return more;
  if (more === undefined || known === ANY) return known;
  if (more === ANY) return ANY;
  if (more.low >= known.low && more.high <= known.high) return known;
  const grown = (to: number): number => STEPS.find((step) => step >= to) ?? EXACT;
  const high = more.high > known.high ? grown(more.high) : known.high;
  const low = more.low < known.low ? -grown(-more.low) : known.low;
  return { low, high };
}

/** The result of an operation on two. A sum too large for a double to be exact is taken not to happen; a product is not. */
export function combine(operator: string, a: Range, b: Range): Range {
  if (a === undefined || b === undefined) return undefined;
  if (a === ANY || b === ANY) return ANY;
  if (operator === "+") return clamp(a.low + b.low, a.high + b.high);
  if (operator === "-") return clamp(a.low - b.high, a.high - b.low);
  if (operator === "min") return interval(Math.min(a.low, b.low), Math.min(a.high, b.high));
  if (operator === "max") return interval(Math.max(a.low, b.low), Math.max(a.high, b.high));
  if (operator === "%") {
    // A remainder by zero is not a number.
    if (b.low <= 0) return ANY;
    return interval(a.low < 0 ? 1 - b.high : 0, a.high < 0 ? 0 : Math.min(a.high, b.high - 1));
  }
  if (operator === "*") {
    const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
    const low = Math.min(...products), high = Math.max(...products);
    // Digit by digit a peer's number may grow to anything.
    return low < -EXACT || high > EXACT ? ANY : interval(low, high);
  }
  if (operator === "&") return a.low >= 0 && b.low >= 0 ? interval(0, Math.min(a.high, b.high, 2 ** 31 - 1)) : b.low >= 0 && b.high < 2 ** 31 ? interval(0, b.high) : INT32;
  if (operator === ">>>") return interval(0, 2 ** 32 - 1);
  return INT32;
}

function clamp(low: number, high: number): Interval {
  return { low: Math.max(low, -EXACT), high: Math.min(high, EXACT) };
}

/** The whole part of a quotient, of numbers that are not negative. */
export function quotient(a: Range, b: Range): Range {
  if (a === undefined || b === undefined) return undefined;
  if (a === ANY || b === ANY || a.low < 0 || b.low <= 0) return ANY;
  return { low: 0, high: Math.floor(a.high / b.low) };
}
