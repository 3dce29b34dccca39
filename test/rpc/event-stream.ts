// The events of a process, written from envd-rpc.md 4 alone. Every stream is checked for what holds for all of them: one
// start first, one end last, one end-of-stream message, and nothing after it.

import { type CallError, type Codec, endError, Envelopes } from "./call.ts";
import type { HttpStream } from "./http.ts";
import { decode, fromJson, type Message } from "./wire.ts";

export interface End {
  readonly exitCode: number;
  readonly exited: boolean;
  readonly status: string;
  readonly error: string | undefined;
}

/** What has come of a process. */
export interface Outcome {
  readonly pid: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly pty: Buffer;
  readonly end: End | undefined;
  readonly error: CallError | undefined;
  /** Lengths of the pieces of output, by kind. */
  readonly pieces: readonly (readonly [string, number])[];
  readonly keepalives: number;
}

export type Event =
  | { readonly kind: "start"; readonly pid: number }
  | { readonly kind: "stdout" | "stderr" | "pty"; readonly data: Buffer }
  | { readonly kind: "keepalive" }
  | { readonly kind: "end"; readonly end: End }
  /** The end of the stream. */
  | { readonly kind: "over"; readonly error: CallError | undefined };

/** The events of Start or Connect. */
export class EventStream {
  /** 0 until the start has come. */
  pid = 0;
  readonly #envelopes: Envelopes;
  #hasEnded = false;
  #hasHead = false;

  constructor(
    readonly http: HttpStream,
    readonly codec: Codec,
  ) {
    this.#envelopes = new Envelopes(http);
  }

  /** The next event. After `over` none may be asked for. */
  async next(): Promise<Event> {
    if (!this.#hasHead) {
      await this.http.head();
      this.#hasHead = true;
      if (this.http.status !== 200 || this.http.headers["content-type"] !== `application/connect+${this.codec}`) {
        throw new Error(`answered ${this.http.status} ${this.http.headers["content-type"] ?? ""}`);
      }
    }
    const { flags, payload } = await this.#envelopes.next();
    if (flags === 2) {
      await this.#envelopes.finish();
      return { kind: "over", error: endError(payload, 200) };
    }
    if (flags !== 0) throw new Error(`flags ${flags}`);
    return this.#event(this.codec === "proto" ? decode("EventResponse", payload) : fromJson("EventResponse", JSON.parse(payload.toString()) as Message));
  }

  #event(response: Message): Event {
    const event = response.event as Message;
    const [kind, ...others] = Object.keys(event);
    if (kind === undefined || others.length > 0) throw new Error(`an event of ${others.length + 1} kinds`);
    if ((kind === "start") !== (this.pid === 0)) throw new Error(`${kind} where a start ${this.pid === 0 ? "is due" : "was"}`);
    if (this.#hasEnded) throw new Error(`${kind} after the end`);
    const value = event[kind] as Message;
    switch (kind) {
      case "start":
        this.pid = Number(value.pid);
        return { kind, pid: this.pid };
      case "keepalive":
        return { kind };
      case "data": {
        const [[origin, data] = ["", undefined], ...rest] = Object.entries(value);
        if (rest.length > 0 || !Buffer.isBuffer(data)) throw new Error("data of another form");
        return { kind: origin as "stdout", data };
      }
      case "end":
        this.#hasEnded = true;
        return {
          kind,
          end: {
            exitCode: Number(value.exitCode ?? 0),
            exited: value.exited === true,
            status: String(value.status),
            error: value.error as string | undefined,
          },
        };
      default:
        throw new Error(`an event ${kind}`);
    }
  }

  /** Reads up to the start. Returns the pid. */
  async started(): Promise<number> {
    const event = await this.next();
    if (event.kind === "over" && event.error !== undefined) throw event.error;
    return this.pid;
  }

  /** Reads up to the end. */
  async outcome(): Promise<Outcome> {
    const parts: Record<string, Buffer[]> = { stdout: [], stderr: [], pty: [] };
    const pieces: [string, number][] = [];
    let keepalives = 0;
    let end: End | undefined;
    for (;;) {
      const event = await this.next();
      switch (event.kind) {
        case "start":
          break;
        case "keepalive":
          keepalives += 1;
          break;
        case "end":
          end = event.end;
          break;
        case "over": {
          if ((end === undefined) === (event.error === undefined)) throw new Error("neither an end nor an error, or both");
          const whole = (kind: string): Buffer => Buffer.concat(parts[kind] ?? []);
          return { pid: this.pid, stdout: whole("stdout"), stderr: whole("stderr"), pty: whole("pty"), end, error: event.error, pieces, keepalives };
        }
        default:
          parts[event.kind]?.push(Buffer.from(event.data));
          pieces.push([event.kind, event.data.length]);
      }
    }
  }

  /** Reads until output has come that ends with, or contains, a text. Returns all of it so far. */
  async until(text: string): Promise<string> {
    let output = "";
    while (!output.includes(text)) {
      const event = await this.next();
      if ("data" in event) output += event.data.toString("latin1");
      else if (event.kind === "over" || event.kind === "end") throw new Error(`ended before ${JSON.stringify(text)}, after ${JSON.stringify(output)}`);
    }
    return output;
  }

  close(): void {
    this.http.close();
  }
}
