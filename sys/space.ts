/** File systems as a whole; statfs(2). */
import { addressOf, call } from "#libc";
import { cstring, readWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";

export class FileSystemStatus {
  private readonly view: DataView;

  /** Over a struct statfs. */
  constructor(statfs: Uint8Array) {
    this.view = new DataView(statfs.buffer);
  }

  /** The magic number of its kind. */
  get type(): number {
    return readWord(this.view, 0);
  }

  /** Bytes of a block. */
  get blockSize(): number {
    return readWord(this.view, 8);
  }

  /** All blocks. */
  get blocks(): number {
    return readWord(this.view, 16);
  }

  /** Blocks that are free for everybody, not for root alone. */
  get available(): number {
    return readWord(this.view, 32);
  }
}

/** The file system that a path lies in. Throws SysError. */
export function statFileSystem(path: string): FileSystemStatus {
  const name = cstring(path);
  const buffer = new Uint8Array(128);
  check(call(Call.statfs, addressOf(name), addressOf(buffer), 0), "statfs", path);
  return new FileSystemStatus(buffer);
}
