// scriptc knows TextEncoder and TextDecoder only where they are made, so both
// are made anew each time; natively that is free.

/** `s` in UTF-8; an unpaired surrogate becomes U+FFFD. */
export function encode(s: string): Uint8Array {
  return new TextEncoder().encode(s);
}

/** The string in bytes `start` to `stop`, which are known to be UTF-8. */
export function decode(bytes: Uint8Array, start: number, stop: number): string {
  const text = new TextDecoder().decode(bytes.subarray(start, stop));
  // The decoder drops a leading U+FEFF, which is a character like any other here.
  const dropped = stop - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return dropped ? "\ufeff" + text : text;
}
