/** What has been received and not used: while it is being worked through, lent by the one who reads; then a copy. */

const NONE = new Uint8Array(0);

export class Inbox {
  private store: Uint8Array = NONE;
  private start = 0;
  private end = 0;
  private isLent = false;

  get length(): number {
    return this.end - this.start;
  }

  get isEmpty(): boolean {
    return this.end === this.start;
  }

  /** What is there. */
  get bytes(): Uint8Array {
    return this.store.subarray(this.start, this.end);
  }

  /** Adds bytes [0, count) of a buffer, which stays the caller's: `keep` is to come before it is used again. */
  lend(buffer: Uint8Array, count: number): void {
    if (!this.isEmpty) return this.append(buffer, count);
    this.store = buffer;
    this.start = 0;
    this.end = count;
    this.isLent = true;
  }

  /** The buffer that was lent is needed elsewhere. */
  keep(): void {
    if (this.isLent) this.move(this.length);
  }

  /** The first bytes have been used. */
  skip(count: number): void {
    this.start = Math.min(this.start + count, this.end);
    // A connection that waits has no store.
    if (this.isEmpty && !this.isLent) this.clear();
  }

  clear(): void {
    this.store = NONE;
    this.start = 0;
    this.end = 0;
    this.isLent = false;
  }

  private append(buffer: Uint8Array, count: number): void {
    const length = this.length;
    // Twice the room each time, so that what comes byte by byte is not moved for every byte.
    if (this.isLent || this.end + count > this.store.length) this.move((length + count) * 2);
    this.store.set(buffer.subarray(0, count), this.end);
    this.end += count;
  }

  /** What is there goes to the front of a store of so many bytes. */
  private move(capacity: number): void {
    const bytes = this.bytes;
    this.store = capacity === 0 ? NONE : new Uint8Array(capacity);
    this.store.set(bytes, 0);
    this.start = 0;
    this.end = bytes.length;
    this.isLent = false;
  }
}
