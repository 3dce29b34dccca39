/** Transfer buffers: taken when bytes are there, given back when they are gone. */

/**
 * Lends buffers of one size. It keeps one spare while anybody works, so that a steady stream allocates nothing, and
 * none when nobody does: the allocator returns blocks of this size to the kernel.
 */
export class BufferPool {
  private readonly size: number;
  private spare: Uint8Array | undefined;
  private workers = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** Somebody will take buffers in the time to come. */
  enter(): void {
    this.workers++;
  }

  /** The counterpart of `enter`. */
  leave(): void {
    this.workers--;
    if (this.workers === 0) this.spare = undefined;
  }

  take(): Uint8Array {
    const buffer = this.spare;
    this.spare = undefined;
    return buffer === undefined ? new Uint8Array(this.size) : buffer;
  }

  /** Gives a buffer back. The caller must not use it afterwards. */
  give(buffer: Uint8Array): void {
    if (this.workers > 0) this.spare = buffer;
  }
}
