/** A body that is needed whole before anything is done with it: requests in JSON, for instance. */
import { wipe } from "../sys/bytes.ts";
import { BodyReader } from "./roles.ts";

const NONE = new Uint8Array(0);
const FIRST_BYTES = 1024;
/** Bytes that all bodies together may hold: one peer's many requests are not to take the memory. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

let held = 0;

export class WholeBody extends BodyReader {
  private readonly limit: number;
  private readonly onEnd: (body: Uint8Array) => void;
  private readonly onTooLarge: () => void;
  private bytes: Uint8Array = NONE;
  private size = 0;
  private isTooLarge = false;

  /**
   * `onEnd` gets the body, which is its own from then on; `onTooLarge` is called once instead where it is longer than
   * `limit`, and has to answer. No copy stays behind of what has been read: it may be a secret.
   */
  constructor(limit: number, onEnd: (body: Uint8Array) => void, onTooLarge: () => void) {
    super();
    this.limit = limit;
    this.onEnd = onEnd;
    this.onTooLarge = onTooLarge;
  }

  override onBody(bytes: Uint8Array, start: number, end: number): number {
    const size = this.size + end - start;
    if (this.isTooLarge || size > this.limit || !this.hold(size)) {
      this.drop();
      if (!this.isTooLarge) {
        this.isTooLarge = true;
        this.onTooLarge();
      }
      return end - start;
    }
    this.bytes.set(bytes.subarray(start, end), this.size);
    wipe(bytes, start, end);
    this.size = size;
    return end - start;
  }

  override onBodyEnd(): void {
    if (this.isTooLarge) return;
    const bytes = this.bytes;
    const body = this.size === bytes.length ? bytes : bytes.slice(0, this.size);
    if (body !== bytes) this.drop();
    else this.release();
    this.onEnd(body);
  }

  override onBodyLost(): void {
    this.drop();
  }

  /** Makes room for so many bytes. Returns false where there is none. */
  private hold(size: number): boolean {
    if (size <= this.bytes.length) return true;
    const room = Math.min(Math.max(size, this.bytes.length * 2, FIRST_BYTES), this.limit);
    if (held + room > MAX_HELD_BYTES) return false;
    const larger = new Uint8Array(room);
    larger.set(this.bytes, 0);
    this.drop();
    this.bytes = larger;
    held += room;
    return true;
  }

  private drop(): void {
    wipe(this.bytes, 0, this.size);
    this.release();
  }

  private release(): void {
    held -= this.bytes.length;
    this.bytes = NONE;
  }
}
