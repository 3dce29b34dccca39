/** Quantities as people read them. */

/** A non-negative number with a fixed count of decimals. */
export function decimal(value: number, places: number): string {
  const digits = `${Math.round(value * 10 ** places)}`.padStart(places + 1, "0");
  const point = digits.length - places;
  return places === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

const UNITS = ["kB", "MB", "GB", "TB"];

/** An amount of bytes in decimal units: `999 B`, `1.5 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${decimal(bytes, 0)} B`;
  let amount = bytes / 1000;
  let unit = 0;
  // What would be rounded to 1000.0 is 1.0 of the next unit.
  while (amount >= 999.95 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${decimal(amount, 1)} ${UNITS.at(unit) ?? ""}`;
}

/** A length of time in seconds as `M:SS` or `H:MM:SS`. */
export function clockText(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = `${whole % 60}`.padStart(2, "0");
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${`${minutes % 60}`.padStart(2, "0")}:${rest}`;
}
