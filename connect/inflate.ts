/** Messages that come compressed; envd-rpc.md 2.10. */
import { GzipError, Inflater } from "../sys/deflate.ts";
import { MESSAGE_LIMIT, tooLong } from "./collector.ts";
import { invalid } from "./error.ts";

const FIRST_BYTES = 4096;

/** What bytes [start, end) are, decompressed. Throws RpcError where they are no gzip, or too long a message. */
export function inflate(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const inflater = new Inflater();
  try {
    const out = inflateAll(inflater, bytes, start, end);
    inflater.close();
    return out;
  } catch (error) {
    inflater.close();
    if (error instanceof GzipError) throw invalid(`corrupt gzip: ${error.message}`);
    throw error;
  }
}

function inflateAll(inflater: Inflater, bytes: Uint8Array, start: number, end: number): Uint8Array {
  let out = new Uint8Array(Math.max(FIRST_BYTES, Math.min((end - start) * 4, MESSAGE_LIMIT)));
  let size = 0;
  let at = start;
  while (!inflater.isEnd) {
    if (size >= MESSAGE_LIMIT) throw tooLong();
    if (size === out.length) {
      const more = new Uint8Array(Math.min(size * 2, MESSAGE_LIMIT));
      more.set(out, 0);
      out = more;
    }
    inflater.step(bytes, at, end, true, out, size, out.length);
    at += inflater.consumed;
    size += inflater.produced;
  }
  return out.subarray(0, size);
}
