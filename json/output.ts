/** A byte array that grows: the first `size` bytes of `bytes` are in use. */
export class Output {
  bytes: Uint8Array;
  size: number;

  constructor(bytes: Uint8Array, size: number) {
    this.bytes = bytes;
    this.size = size;
  }

  /** Appends bytes `from` to `to` of `source`. */
  write(source: Uint8Array, from: number, to: number): void {
    const size = this.size + to - from;
    if (size > this.bytes.length) this.grow(size);
    // Natively a subarray is an allocation.
    this.bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), this.size);
    this.size = size;
  }

  /** Appends one byte. */
  byte(b: number): void {
    const at = this.size;
    if (at === this.bytes.length) this.grow(at + 1);
    this.bytes[at] = b;
    this.size = at + 1;
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    if (this.size + count > this.bytes.length) this.grow(this.size + count);
  }

  private grow(size: number): void {
    const more = new Uint8Array(Math.max(size, this.bytes.length * 2));
    more.set(this.bytes, 0);
    this.bytes = more;
  }
}
