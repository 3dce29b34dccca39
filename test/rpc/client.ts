// A client of the process service over HTTP/1.1, written from envd-rpc.md alone. Every stream is checked for what holds for
// all of them: one start first, one end last, one end-of-stream message, and nothing after it.

import { type Address, HttpStream } from "./http.ts";
import { decode, encode, fromJson, type Message, toJson } from "./wire.ts";

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

export interface Target {
  readonly pid?: number;
  readonly tag?: string;
}

export interface StartRequest {
  readonly cmd: string;
  readonly args?: readonly string[];
  readonly envs?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly pty?: Message;
  readonly tag?: string;
  readonly stdin?: boolean;
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

export function envelope(payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
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

export class Client {
  constructor(
    readonly address: Address,
    readonly codec: Codec,
  ) {}

  /** A call with one message as the answer. Throws CallError. */
  async unary(method: string, request: Message, options: CallOptions = {}): Promise<Message> {
    const body = this.codec === "proto" ? encode(method, request) : Buffer.from(toJson(request));
    const headers = { ...headersOf(options), "Content-Type": `application/${this.codec}` };
    const { address } = this;
    const where = typeof address === "number" ? { host: `127.0.0.1:${address}` } : { host: "envd", unix: address };
    // A connection for each: those that a pool keeps would count among what a test has left behind.
    const response = await fetch(`http://${where.host}/process.Process/${method}`, { method: "POST", headers, body, keepalive: false, ...where });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw errorOf(bytes.toString(), response.status);
    const type = method === "List" ? "ListResponse" : "Empty";
    return this.codec === "proto" ? decode(type, bytes) : fromJson(type, JSON.parse(bytes.toString()) as Message);
  }

  async stream(method: string, request: Message, options: CallOptions = {}): Promise<EventStream> {
    const payload = envelope(this.codec === "proto" ? encode(method, request) : Buffer.from(toJson(request)));
    const headers = { ...headersOf(options), "Content-Type": `application/connect+${this.codec}`, "Content-Length": String(payload.length) };
    const http = await HttpStream.open(this.address, `/process.Process/${method}`, headers);
    http.send(payload);
    return new EventStream(http, this.codec);
  }

  start(request: StartRequest, options: CallOptions = {}): Promise<EventStream> {
    const { cmd, args, envs, cwd, ...rest } = request;
    return this.stream("Start", { process: { cmd, args: args as string[], envs, cwd } as Message, ...rest } as Message, options);
  }

  /** Start{cmd /bin/sh, args -c, x, stdin false}. */
  sh(script: string, options: CallOptions = {}, request: Partial<StartRequest> = {}): Promise<EventStream> {
    return this.start({ cmd: "/bin/sh", args: ["-c", script], stdin: false, ...request }, options);
  }

  /** Runs a shell command to its end. */
  async run(script: string, options: CallOptions = {}, request: Partial<StartRequest> = {}): Promise<Outcome> {
    const stream = await this.sh(script, options, request);
    try {
      return await stream.outcome();
    } finally {
      stream.close();
    }
  }

  connect(target: Target, options: CallOptions = {}): Promise<EventStream> {
    return this.stream("Connect", { process: { ...target } }, options);
  }

  async list(): Promise<Message[]> {
    return ((await this.unary("List", {})).processes ?? []) as Message[];
  }

  async pids(): Promise<number[]> {
    return (await this.list()).map(({ pid }) => Number(pid));
  }

  async signal(target: Target, signal: number, options: CallOptions = {}): Promise<void> {
    await this.unary("SendSignal", { process: { ...target }, signal }, options);
  }

  kill(target: Target): Promise<void> {
    return this.signal(target, 9);
  }

  async input(target: Target, input: Message, options: CallOptions = {}): Promise<void> {
    await this.unary("SendInput", { process: { ...target }, input }, options);
  }

  async stdin(target: Target, data: string | Buffer, options: CallOptions = {}): Promise<void> {
    await this.input(target, { stdin: Buffer.from(data) }, options);
  }

  async closeStdin(target: Target): Promise<void> {
    await this.unary("CloseStdin", { process: { ...target } });
  }

  async update(target: Target, pty?: Message): Promise<void> {
    await this.unary("Update", pty === undefined ? { process: { ...target } } : { process: { ...target }, pty });
  }

  async streamInput(options: CallOptions = {}): Promise<InputStream> {
    const headers = { ...headersOf(options), "Content-Type": `application/connect+${this.codec}`, "Transfer-Encoding": "chunked" };
    return new InputStream(await HttpStream.open(this.address, "/process.Process/StreamInput", headers), this.codec);
  }
}
