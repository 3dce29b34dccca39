// A client of the process service over HTTP/1.1, written from envd-rpc.md alone.

import { envelope } from "../connect/envelope.ts";
import { type CallOptions, type Codec, errorOf, headersOf } from "./call.ts";
import { EventStream, type Outcome } from "./event-stream.ts";
import { type Address, HttpStream } from "./http.ts";
import { InputStream } from "./input-stream.ts";
import { decode, encode, fromJson, type Message, toJson } from "./wire.ts";

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
