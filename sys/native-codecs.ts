/** The native host behind `#codecs`: C files of their own. Same exports as bun-codecs.ts. */
import { addressOf } from "#libc";
import { stringAt } from "./bytes.ts";
import { Errno, SysError } from "./errno.ts";

declare function mote_sha2(bits: number, bytes: number, length: number, out: number): number;
declare function mote_base64(bytes: number, length: number, out: number, isPadded: number): number;
declare function mote_base64_decode(digits: number, length: number, out: number): number;
declare function mote_gzip_open(inflates: number): number;
declare function mote_gzip_close(stream: number): number;
declare function mote_gzip_step(
  stream: number, isLast: number, input: number, length: number, output: number, room: number, left: number,
): number;
declare function mote_merge_names(left: number, leftSize: number, right: number, rightSize: number, to: number): number;
declare function mote_span(table: number, mask: number, bytes: number, start: number, end: number): number;

/** Where bytes from `start` on, up to `end`, stop to be such that a table of 256 gives them one of the bits of a mask. */
export function span(table: Uint8Array, mask: number, bytes: Uint8Array, start: number, end: number): number {
  return mote_span(addressOf(table), mask, addressOf(bytes), start, Math.min(end, bytes.length));
}

/** One run of two that are sorted by their bytes, of names with a NUL behind each. */
export function mergeNames(left: Uint8Array, right: Uint8Array): Uint8Array {
  const out = new Uint8Array(left.length + right.length);
  mote_merge_names(addressOf(left), left.length, addressOf(right), right.length, addressOf(out));
  return out;
}

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bits / 8);
  mote_sha2(bits, addressOf(bytes), bytes.length, addressOf(out));
  return out;
}

/** Base64 of bytes [start, end) into an output that has room for it. Returns how many characters that makes. */
export function base64(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number, isPadded: boolean): number {
  return mote_base64(addressOf(bytes) + start, end - start, addressOf(output) + outStart, isPadded ? 1 : 0);
}

/** What digits [start, end) of either alphabet are, into an output that has room. Returns false where they are none. */
export function base64Digits(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number): boolean {
  return mote_base64_decode(addressOf(bytes) + start, end - start, addressOf(output) + outStart) !== 0;
}

/** A gzip stream of zlib's, deflate.c. The owner calls `close`. */
export class GzipStream {
  consumed = 0;
  produced = 0;
  private address: number;
  /** What a step left over of output and input. */
  private readonly left = new Uint8Array(8);
  private readonly leftView = new DataView(this.left.buffer);

  /** Throws SysError. */
  constructor(inflates: boolean) {
    this.address = mote_gzip_open(inflates ? 1 : 0);
    if (this.address === 0) throw new SysError("mmap", Errno.ENOMEM, "");
  }

  /** One step. Returns what is wrong with the input, in zlib's words; empty where nothing is. */
  step(isLast: boolean, input: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number, outEnd: number): string {
    if (this.address === 0) throw new RangeError("a closed stream");
    const from = addressOf(input) + start;
    const to = addressOf(output) + outStart;
    const text = mote_gzip_step(this.address, isLast ? 1 : 0, from, end - start, to, outEnd - outStart, addressOf(this.left));
    this.produced = outEnd - outStart - this.leftView.getUint32(0, true);
    this.consumed = end - start - this.leftView.getUint32(4, true);
    return text === 0 ? "" : stringAt(text);
  }

  close(): void {
    if (this.address !== 0) mote_gzip_close(this.address);
    this.address = 0;
  }
}
