/** Frames of protocol version 1: one byte type, u32 big-endian payload length, payload. */

export const enum FrameType {
  JSON = 1,
  STDOUT = 2,
  STDERR = 3,
  DATA = 4,
  EOF = 5,
}

export const PROTOCOL_VERSION = 1;

export const HEADER_BYTES = 5;
/** The largest payload that a sender puts into a frame. */
export const CHUNK_BYTES = 65536;
/** The largest payload that a receiver accepts. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** Writes a frame header at `offset`, where the array must have five bytes left. */
export function writeHeader(bytes: Uint8Array, offset: number, type: number, length: number): void {
  bytes[offset] = type;
  bytes[offset + 1] = length >>> 24;
  bytes[offset + 2] = length >>> 16;
  bytes[offset + 3] = length >>> 8;
  bytes[offset + 4] = length;
}

/** The payload length in the header at `offset`, of which the array must hold all five bytes. */
export function payloadLength(bytes: Uint8Array, offset: number): number {
  // Sums, not bits: natively a number is a double, and every bit operation a conversion there and back.
  const high = (bytes[offset + 1] ?? 0) * 256 + (bytes[offset + 2] ?? 0);
  return high * 65536 + (bytes[offset + 3] ?? 0) * 256 + (bytes[offset + 4] ?? 0);
}

/** A whole frame of its own. */
export function frame(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, type, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}
