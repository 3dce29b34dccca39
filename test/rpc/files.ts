// A client of the file-system service over HTTP/1.1, written from envd-rpc.md alone.

import { envelope } from "../connect/envelope.ts";
import { type CallOptions, type Codec, endError, Envelopes, errorOf, headersOf } from "./call.ts";
import { HttpStream } from "./http.ts";
import { decode, encode, fromJson, type Message, toJson } from "./wire.ts";

/** EntryInfo as both codecs tell it: what is absent is absent. */
export interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly path: string;
  readonly size?: string;
  readonly mode?: number;
  readonly permissions?: string;
  readonly owner?: string;
  readonly group?: string;
  readonly modifiedTime?: { readonly seconds: string; readonly nanos: number };
  readonly symlinkTarget?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface Change {
  readonly name: string;
  readonly type: string;
  readonly entry?: Entry;
}

export interface WatchOptions {
  readonly recursive?: boolean;
  readonly includeEntry?: boolean;
  readonly allowNetworkMounts?: boolean;
}

/** Kind and name of an event, in one word: what most cases are about. */
export function told(changes: readonly Change[]): string[] {
  return changes.map(({ type, name }) => `${type.replace("EVENT_TYPE_", "")} ${name}`);
}

/** The messages of WatchDir. */
export class ChangeStream {
  readonly #envelopes: Envelopes;
  keepalives = 0;

  constructor(
    readonly http: HttpStream,
    readonly codec: Codec,
  ) {
    this.#envelopes = new Envelopes(http);
  }

  /** The next message by the kind of its event; undefined after an end without an error. Throws CallError. */
  async next(): Promise<Message | undefined> {
    const { flags, payload } = await this.#envelopes.next();
    if (flags === 2) {
      await this.#envelopes.finish();
      const error = endError(payload, 200);
      if (error !== undefined) throw error;
      return undefined;
    }
    if (flags !== 0) throw new Error(`flags ${flags}`);
    return this.codec === "proto"
      ? decode("WatchDirResponse", payload)
      : fromJson("WatchDirResponse", JSON.parse(payload.toString()) as Message);
  }

  /** Reads the head and the start. */
  async started(): Promise<this> {
    await this.http.head();
    if (this.http.status !== 200) throw new Error(`answered ${this.http.status}`);
    const message = await this.next();
    if (message?.start === undefined) throw new Error("no start");
    return this;
  }

  /** The next change, keepalives passed over and counted. Throws CallError at the end. */
  async change(): Promise<Change> {
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error("the stream has ended");
      if (message.keepalive !== undefined) this.keepalives += 1;
      else return message.filesystem as unknown as Change;
    }
  }

  /** Changes up to and with one that is told like this. */
  async until(last: string): Promise<Change[]> {
    const changes: Change[] = [];
    for (;;) {
      const change = await this.change();
      changes.push(change);
      if (told([change])[0] === last) return changes;
    }
  }

  close(): void {
    this.http.close();
  }
}

export class Files {
  constructor(
    readonly port: number,
    readonly codec: Codec,
    readonly options: CallOptions = {},
  ) {}

  /** The same with other options for all calls. */
  with(options: CallOptions): Files {
    return new Files(this.port, this.codec, options);
  }

  as(user: string): Files {
    return this.with({ user });
  }

  /** The response of a unary call, whatever it is. */
  post(method: string, body: Uint8Array<ArrayBuffer>): Promise<Response> {
    const headers = { ...headersOf(this.options), "Content-Type": `application/${this.codec}` };
    return fetch(`http://127.0.0.1:${this.port}/filesystem.Filesystem/${method}`, { method: "POST", headers, body });
  }

  /** Throws CallError. */
  async decode(method: string, response: Response): Promise<Message> {
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw errorOf(bytes.toString(), response.status);
    const type = `${method}Response`;
    return this.codec === "proto" ? decode(type, bytes) : fromJson(type, JSON.parse(bytes.toString()) as Message);
  }

  /** Throws CallError. */
  async unary(method: string, request: Message): Promise<Message> {
    const body = this.codec === "proto" ? encode(method, request) : Buffer.from(toJson(request));
    return this.decode(method, await this.post(method, new Uint8Array(body)));
  }

  async #entry(method: string, request: Message): Promise<Entry> {
    return (await this.unary(method, request)).entry as unknown as Entry;
  }

  stat(path: string): Promise<Entry> {
    return this.#entry("Stat", { path });
  }

  makeDir(path: string): Promise<Entry> {
    return this.#entry("MakeDir", { path });
  }

  move(source: string, destination: string): Promise<Entry> {
    return this.#entry("Move", { source, destination });
  }

  async remove(path: string): Promise<void> {
    await this.unary("Remove", { path });
  }

  async list(path: string, depth?: number): Promise<Entry[]> {
    const request = depth === undefined ? { path } : { path, depth };
    return ((await this.unary("ListDir", request)).entries ?? []) as unknown as Entry[];
  }

  async createWatcher(path: string, options: WatchOptions = {}): Promise<string> {
    return String((await this.unary("CreateWatcher", { path, ...options })).watcherId);
  }

  async events(watcherId: string): Promise<Change[]> {
    return ((await this.unary("GetWatcherEvents", { watcherId })).events ?? []) as unknown as Change[];
  }

  async removeWatcher(watcherId: string): Promise<void> {
    await this.unary("RemoveWatcher", { watcherId });
  }

  /** WatchDir, of which nothing has been read. */
  async watch(path: string, options: WatchOptions = {}): Promise<ChangeStream> {
    const request = { path, ...options };
    const payload = envelope(this.codec === "proto" ? encode("WatchDir", request) : Buffer.from(toJson(request)));
    const headers = { ...headersOf(this.options), "Content-Type": `application/connect+${this.codec}`, "Content-Length": String(payload.length) };
    const http = await HttpStream.open(this.port, "/filesystem.Filesystem/WatchDir", headers);
    http.send(payload);
    return new ChangeStream(http, this.codec);
  }

  async watching(path: string, options: WatchOptions = {}): Promise<ChangeStream> {
    return (await this.watch(path, options)).started();
  }
}
