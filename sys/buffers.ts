/** Transfer buffers: taken when bytes are there, given back when they are gone. */
import { Idler } from "./loop.ts";

/** What one step works with at the same time: where bytes come from, and where they go. */
const SPARES = 2;

/**
 * Lends buffers of one size. It keeps two spares while the process works, so that a steady stream allocates nothing, and
 * none when it is idle: the allocator returns blocks of this size to the kernel.
 */
export class BufferPool extends Idler {
  private readonly size: number;
  private spares: Uint8Array[] = [];

  constructor(size: number) {
    super();
    this.size = size;
  }

  take(): Uint8Array {
    const buffer = this.spares.at(-1);
    if (buffer === undefined) return new Uint8Array(this.size);
    this.spares.pop();
    return buffer;
  }

  /** Gives a buffer back. The caller must not use it afterwards. */
  give(buffer: Uint8Array): void {
    if (this.spares.length < SPARES) this.spares.push(buffer);
  }

  override onIdle(): void {
    this.spares = [];
  }
}
