/** The content of one file behind that of another, in slices; by the kernel where it can. */
import { Errno, isOutOfSpace } from "../sys/errno.ts";
import { read, writeSome } from "../sys/file.ts";
import { copyRange } from "../sys/transfer.ts";

/** Bytes of one step: what a disk's cache takes in a few milliseconds, by the kernel or through a buffer. */
const RANGE_BYTES = 4 * 1024 * 1024;
const BUFFER_BYTES = 128 * 1024;

export class FileCopier {
  /** The kernel cannot copy between these files. */
  private reads = false;

  /** Copies a slice. Returns its bytes, 0 at the end of the file that is read, or -errno. */
  step(from: number, to: number): number {
    if (!this.reads) {
      const copied = copyRange(from, to, RANGE_BYTES);
      if (copied > 0 || isOutOfSpace(-copied) || copied === -Errno.EIO) return copied;
      // Files that do not know their size seem to be at their end.
      if (copied < 0) this.reads = true;
    }
    const buffer = new Uint8Array(BUFFER_BYTES);
    const count = read(from, buffer, 0, buffer.length);
    for (let at = 0; at < count; ) {
      const written = writeSome(to, buffer, at, count);
      if (written <= 0) return written === 0 ? -Errno.EIO : written;
      at += written;
    }
    return count;
  }
}
