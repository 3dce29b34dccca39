// A Connect call over HTTP/1.1, written from envd-rpc.md 2 alone: its headers, the envelopes of its body, how it fails.

import type { HttpStream } from "./http.ts";

export type Codec = "json" | "proto";
export const codecs: readonly Codec[] = ["json", "proto"];

/** What a call failed with. */
export class CallError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly keepalive?: string;
  /** Whom the call is made as. */
  readonly user?: string;
}

export function headersOf(options: CallOptions): Record<string, string> {
  const headers: Record<string, string> = { "Connect-Protocol-Version": "1", ...options.headers };
  if (options.timeout !== undefined) headers["Connect-Timeout-Ms"] = String(options.timeout);
  if (options.keepalive !== undefined) headers["Keepalive-Ping-Interval"] = options.keepalive;
  if (options.user !== undefined) headers.Authorization = `Basic ${Buffer.from(`${options.user}:`).toString("base64")}`;
  return headers;
}

/** The envelopes of a response, whatever its chunks are. */
export class Envelopes {
  #buffer: Buffer = Buffer.alloc(0);

  constructor(readonly http: HttpStream) {}

  async next(): Promise<{ flags: number; payload: Buffer }> {
    while (this.#buffer.length < 5 || this.#buffer.length < 5 + this.#buffer.readUInt32BE(1)) {
      const chunk = await this.http.chunk();
      if (chunk === undefined) throw new Error("the body ends without an end-of-stream message");
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    }
    const end = 5 + this.#buffer.readUInt32BE(1);
    const result = { flags: this.#buffer.readUInt8(0), payload: this.#buffer.subarray(5, end) };
    this.#buffer = this.#buffer.subarray(end);
    return result;
  }

  /** Checks that nothing follows. */
  async finish(): Promise<void> {
    if (this.#buffer.length > 0 || (await this.http.chunk()) !== undefined) throw new Error("bytes after the end of the stream");
  }
}

export function errorOf(json: string, status: number): CallError {
  const { code, message } = JSON.parse(json) as { code: string; message?: string };
  return new CallError(code, message ?? "", status);
}

/** The error of an end-of-stream message, if any. */
export function endError(payload: Buffer, status: number): CallError | undefined {
  const end = JSON.parse(payload.toString()) as { error?: object };
  return "error" in end ? errorOf(JSON.stringify(end.error), status) : undefined;
}
