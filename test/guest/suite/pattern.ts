/** File content that depends on the position alone, so that bytes lost, doubled or swapped are noticed. */

/** A prime, so that no block of a power of two is like another. */
const PERIOD = 65_521;

export class Pattern {
  private readonly block: Uint8Array;

  constructor(seed: number) {
    const block = new Uint8Array(PERIOD);
    let state = seed;
    for (let i = 0; i < block.length; i++) {
      // The minimal standard generator of Park and Miller.
      state = (state * 48_271) % 2_147_483_647;
      block[i] = state % 256;
    }
    this.block = block;
  }

  /** The bytes [start, start + length). */
  bytes(start: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const from = (start + done) % PERIOD;
      const count = Math.min(PERIOD - from, length - done);
      out.set(this.block.subarray(from, from + count), done);
      done += count;
    }
    return out;
  }

  /** Whether `bytes` are those that begin at `start`. */
  matches(bytes: Uint8Array, start: number): boolean {
    const wanted = this.bytes(start, bytes.length);
    for (let i = 0; i < bytes.length && i < wanted.length; i++) {
      if (bytes[i] !== wanted[i]) return false;
    }
    return true;
  }
}
