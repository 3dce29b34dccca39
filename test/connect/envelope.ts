// An envelope of Connect and gRPC-Web, written from envd-rpc.md 2.

/** Flags, length and payload. */
export function envelope(payload: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(payload);
  const start = Buffer.alloc(5);
  start.writeUInt8(flags, 0);
  start.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([start, bytes]);
}
