// What is sent to a process by StreamInput, written from envd-rpc.md 4 alone.

import { envelope } from "../connect/envelope.ts";
import { type Codec, endError, Envelopes } from "./call.ts";
import type { HttpStream } from "./http.ts";
import { encode, type Message, toJson } from "./wire.ts";

/** A message of StreamInput in a codec. */
export function encodeInput(codec: Codec, message: Message): Buffer {
  return codec === "proto" ? encode("StreamInput", message) : Buffer.from(toJson(message));
}

/** A StreamInput call. */
export class InputStream {
  constructor(
    readonly http: HttpStream,
    readonly codec: Codec,
  ) {}

  send(message: Message): void {
    this.sendRaw(envelope(encodeInput(this.codec, message)));
  }

  sendRaw(bytes: Buffer): void {
    this.http.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]));
  }

  end(): void {
    this.http.send(Buffer.from("0\r\n\r\n"));
  }

  /** The answer. Throws CallError. */
  async answer(): Promise<void> {
    await this.http.head();
    const envelopes = new Envelopes(this.http);
    for (let count = 0; ; count++) {
      const { flags, payload } = await envelopes.next();
      if (flags === 0) {
        if (count > 0 || payload.toString() !== (this.codec === "proto" ? "" : "{}")) throw new Error("an answer of another form");
        continue;
      }
      await envelopes.finish();
      const error = endError(payload, this.http.status);
      if (error !== undefined) throw error;
      if (count !== 1) throw new Error("success without an answer");
      return;
    }
  }
}
