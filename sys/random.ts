/** The kernel's random numbers, random(4): made different in machines that go on from one and the same memory. */
import { addressOf, call } from "#libc";
import { cstring, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { realtime } from "./clock.ts";
import { Errno } from "./errno.ts";
import { close, read } from "./file.ts";
import { pause } from "./wait.ts";

const RNDADDENTROPY = 0x40085203;
const RNDRESEEDCRNG = 0x5207;
const O_RDONLY = 0;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
/**
 * Driver and core each hold up to 64 bytes that they have read ahead, before the machine was copied: it takes more than
 * those for one that no other copy has.
 */
const HARDWARE_BYTES = 256;
/** A millisecond each. */
const PAUSES = 4;
/** struct rand_pool_info: bits of entropy, bytes, then the bytes. */
const HEADER_BYTES = 8;
const TIME_BYTES = 16;

/**
 * Reseeds the generator: from the hardware's where there is one, and from the time of day, which is mixed in but not
 * counted. For a caller without the right, and before the generator is ready, nothing happens. Takes some milliseconds.
 */
export function reseedRandom(): void {
  const info = new Uint8Array(HEADER_BYTES + HARDWARE_BYTES + TIME_BYTES);
  const view = new DataView(info.buffer);
  const count = readHardware(info, HEADER_BYTES);
  const time = realtime();
  writeWord(view, HEADER_BYTES + count, time.seconds);
  writeWord(view, HEADER_BYTES + count + 8, time.nanoseconds);
  view.setInt32(0, count * 8, true);
  view.setInt32(4, count + TIME_BYTES, true);
  const fd = open("/dev/urandom");
  call(Call.ioctl, fd, RNDADDENTROPY, addressOf(info));
  call(Call.ioctl, fd, RNDRESEEDCRNG, 0);
  close(fd);
}

/** Returns how many bytes the hardware gave. */
function readHardware(bytes: Uint8Array, offset: number): number {
  const fd = open("/dev/hwrng");
  let count = 0;
  for (let pauses = 0; pauses <= PAUSES && count < HARDWARE_BYTES; ) {
    const result = fd < 0 ? fd : read(fd, bytes, offset + count, HARDWARE_BYTES - count);
    if (result > 0) count += result;
    else if (result !== -Errno.EAGAIN) break;
    else {
      pauses++;
      pause(1);
    }
  }
  close(fd);
  return count;
}

function open(path: string): number {
  const name = cstring(path);
  return call(Call.open, addressOf(name), O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
}
