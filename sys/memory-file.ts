/** Files that are only memory, memfd_create(2), and reading and writing at a position. */
import { addressOf, call, call6 } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;

/** Makes a file of a fixed size, which only costs what is written to it. The caller owns the descriptor. Throws SysError. */
export function createMemoryFile(name: string, size: number): number {
  const text = cstring(name);
  const fd = check(call(Call.memfd_create, addressOf(text), MFD_CLOEXEC | MFD_ALLOW_SEALING, 0), "memfd_create", "");
  check(call(Call.ftruncate, fd, size, 0), "ftruncate", name);
  call(Call.fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
  return fd;
}

/** pread(2) into the whole of an array. Returns the bytes read or -errno. */
export function readAt(fd: number, bytes: Uint8Array, position: number): number {
  return call6(Call.pread, fd, addressOf(bytes), bytes.length, position, 0, 0);
}

/** pwrite(2) of the whole of an array. Returns the bytes written or -errno. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): number {
  return call6(Call.pwrite, fd, addressOf(bytes), bytes.length, position, 0, 0);
}
