/** Transfer buffers: taken when bytes are there, given back when they are gone. */
import { Idler } from "./loop.ts";

/**
 * Lends buffers of one size. It keeps one spare while the process works, so that a steady stream allocates nothing, and
 * none when it is idle: the allocator returns blocks of this size to the kernel.
 */
export class BufferPool extends Idler {
  private readonly size: number;
  private spare: Uint8Array | undefined;

  constructor(size: number) {
    super();
    this.size = size;
  }

  take(): Uint8Array {
    const buffer = this.spare;
    this.spare = undefined;
    return buffer === undefined ? new Uint8Array(this.size) : buffer;
  }

  /** Gives a buffer back. The caller must not use it afterwards. */
  give(buffer: Uint8Array): void {
    this.spare = buffer;
  }

  override onIdle(): void {
    this.spare = undefined;
  }
}
