/** The Bun host behind `#codecs`: what node:crypto and node:zlib have. Same exports as native-codecs.ts. */
import { createHash } from "node:crypto";
import { createGunzip, createGzip } from "node:zlib";

/** Where bytes from `start` on, up to `end`, stop to be such that a table of 256 gives them one of the bits of a mask. */
export function span(table: Uint8Array, mask: number, bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, bytes.length);
  let at = start;
  while (at < limit && ((table[bytes[at] ?? 0] ?? 0) & mask) !== 0) at++;
  return at;
}

/** One run of two that are sorted by their bytes, of names with a NUL behind each. */
export function mergeNames(left: Uint8Array, right: Uint8Array): Uint8Array {
  const out = Buffer.concat([left, right]);
  let a = 0;
  let b = 0;
  while (a < left.length && b < right.length) {
    const aEnd = left.indexOf(0, a) + 1;
    const bEnd = right.indexOf(0, b) + 1;
    // What has been taken lies before what is still to come: nothing is written over.
    if (Buffer.compare(left.subarray(a, aEnd), right.subarray(b, bEnd)) <= 0) {
      out.set(left.subarray(a, aEnd), a + b);
      a = aEnd;
    } else {
      out.set(right.subarray(b, bEnd), a + b);
      b = bEnd;
    }
  }
  if (a < left.length) out.set(left.subarray(a), a + b);
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}

/** The SHA-2 digest of bytes, of 256 or 512 bits. */
export function sha2(bits: number, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(`sha${bits}`).update(bytes).digest());
}

/** Base64 of bytes [start, end) into an output that has room for it. Returns how many characters that makes. */
export function base64(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number, isPadded: boolean): number {
  const text = bytes.subarray(start, end).toBase64({ omitPadding: !isPadded });
  return new TextEncoder().encodeInto(text, output.subarray(outStart)).written;
}

const NO_DIGIT = /[^A-Za-z0-9+/_-]/;

/** What digits [start, end) of either alphabet are, into an output that has room. Returns false where they are none. */
export function base64Digits(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number): boolean {
  const text = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  if (text.length % 4 === 1 || NO_DIGIT.test(text)) return false;
  // It takes either alphabet, and stops without a word where there is something else.
  output.set(Buffer.from(text, "base64"), outStart);
  return true;
}

const Z_NO_FLUSH = 0;
const Z_FINISH = 4;

/** What node:zlib's streams are made over: Node's own interface to zlib, of which nothing is documented. */
interface Handle {
  /** Leaves what was not used in the array that the handle was made with: of output, of input. */
  writeSync(
    flush: number, input: Uint8Array, start: number, length: number, output: Uint8Array, outStart: number, room: number,
  ): void;
  onerror: (message: string) => void;
  close(): void;
}

function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && "writeSync" in value && "onerror" in value && "close" in value;
}

/** A gzip stream of zlib's. The owner calls `close`. */
export class GzipStream {
  consumed = 0;
  produced = 0;
  private readonly handle: Handle;
  private readonly left: Uint32Array;
  private text = "";

  constructor(inflates: boolean) {
    const stream = inflates ? createGunzip({ chunkSize: 64 }) : createGzip({ level: 6, chunkSize: 64 });
    const handle: unknown = Reflect.get(stream, "_handle");
    const left: unknown = Reflect.get(stream, "_writeState");
    if (!isHandle(handle) || !(left instanceof Uint32Array)) throw new Error("node:zlib is not what it was");
    this.handle = handle;
    this.left = left;
    handle.onerror = (message) => {
      this.text = message;
    };
  }

  /** One step. Returns what is wrong with the input, in zlib's words; empty where nothing is. */
  step(isLast: boolean, input: Uint8Array, start: number, end: number, output: Uint8Array, outStart: number, outEnd: number): string {
    const room = outEnd - outStart;
    this.handle.writeSync(isLast ? Z_FINISH : Z_NO_FLUSH, input, start, end - start, output, outStart, room);
    this.produced = room - (this.left[0] ?? 0);
    this.consumed = end - start - (this.left[1] ?? 0);
    // Node takes zeros after a member for padding, and stops.
    if (this.text === "" && start < end && room > 0 && this.consumed === 0 && this.produced === 0) return "incorrect header check";
    return this.text;
  }

  close(): void {
    this.handle.close();
  }
}
