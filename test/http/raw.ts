// An HTTP client of bytes: sends what it is told, and reads responses strictly, one after the other, as their framing
// says. It imports nothing of the agent.

import type { Ending } from "../peer.ts";

export interface RawResponse {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  /** The value of the one field of a name, in lower case; undefined where there is none. */
  get(name: string): string | undefined;
  readonly body: Buffer;
}

const crlf = "\r\n";

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (match === null) throw new Error(`no field: ${JSON.stringify(line)}`);
    return [(match[1] ?? "").toLowerCase(), match[2] ?? ""];
  });
}

function valueOf(fields: readonly (readonly [string, string])[], name: string): string | undefined {
  const values = fields.filter(([other]) => other === name).map(([, value]) => value);
  if (values.length > 1) throw new Error(`${values.length} fields ${name}`);
  return values[0];
}

export class RawClient {
  #socket: Bun.Socket<undefined> | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  #isIgnoring = false;
  #ending: Ending | undefined;
  #news = Promise.withResolvers<void>();
  received = 0;

  private constructor() {}

  /** Connects; what is sent leaves at once. */
  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient();
    client.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      data: undefined,
      socket: {
        data: (_, chunk) => {
          client.received += chunk.length;
          if (!client.#isIgnoring) {
            client.#chunks.push(chunk);
            client.#length += chunk.length;
          }
          client.#signal();
        },
        drain: () => client.#signal(),
        end: () => client.#onEnd("eof"),
        close: (_, error) => client.#onEnd(error === undefined || error === null ? "eof" : "reset"),
        error: () => client.#onEnd("reset"),
      },
    });
    client.#socket.setNoDelay(true);
    return client;
  }

  /** Runs `body` with a connection of its own. */
  static async with<T>(port: number, body: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(port);
    try {
      return await body(client);
    } finally {
      client.abort();
    }
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** The local port, which tells the connection from others. */
  get port(): number {
    return this.#socket?.localPort ?? 0;
  }

  /** Hands everything to the kernel. Returns false when the server has closed first. */
  async send(data: string | Uint8Array): Promise<boolean> {
    let rest = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    while (rest.length > 0) {
      if (this.#ending === "reset" || this.#socket === undefined) return false;
      const written = this.#socket.write(rest);
      if (written < 0) return false;
      rest = rest.subarray(written);
      if (rest.length > 0) await this.#news.promise;
    }
    this.#socket?.flush();
    return true;
  }

  get(path: string, fields = ""): Promise<boolean> {
    return this.send(`GET ${path} HTTP/1.1\r\nHost: mote\r\n${fields}\r\n`);
  }

  endSending(): void {
    this.#socket?.shutdown();
  }

  /** Takes no more from the kernel until `resume`. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** What comes from now on is counted, and forgotten. */
  ignore(): void {
    this.#isIgnoring = true;
  }

  abort(): void {
    this.#socket?.terminate();
  }

  /** The head of the next response, and nothing of its body; undefined where the connection ends before it begins. */
  async head(): Promise<RawResponse | undefined> {
    const text = await this.#line(crlf + crlf);
    if (text === undefined) {
      if (this.#length > 0) throw new Error(`cut off: ${this.#rest()}`);
      return undefined;
    }
    const [line = "", ...lines] = text.split(crlf);
    const match = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line);
    if (match === null) throw new Error(`no status line: ${JSON.stringify(line)}`);
    const fields = fieldsOf(lines);
    return { status: Number(match[1]), fields, get: (name) => valueOf(fields, name), body: Buffer.alloc(0) };
  }

  /** The next response, an interim one too. `method`: what was asked, because a response to HEAD has no body. */
  async response(method = "GET"): Promise<RawResponse> {
    const head = await this.head();
    if (head === undefined) throw new Error(`no response: the connection has ended (${this.#ending})`);
    return { ...head, body: await this.#body(head, method) };
  }

  /** The end of the connection, up to which nothing may come. */
  async ending(): Promise<Ending> {
    while (this.#ending === undefined) await this.#news.promise;
    if (this.#length > 0) throw new Error(`unexpected: ${this.#rest()}`);
    return this.#ending;
  }

  /** The end of the connection, whatever comes before it. */
  async ended(): Promise<Ending> {
    this.ignore();
    while (this.#ending === undefined) await this.#news.promise;
    return this.#ending;
  }

  /** Passes over the body behind a head. */
  async skipBody(head: RawResponse): Promise<void> {
    await this.#body(head, "GET");
  }

  async #body(head: RawResponse, method: string): Promise<Buffer> {
    const isChunked = head.get("transfer-encoding") === "chunked";
    const length = head.get("content-length");
    if (isChunked && length !== undefined) throw new Error("Transfer-Encoding beside Content-Length");
    if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) return Buffer.alloc(0);
    if (isChunked) return this.#chunked();
    if (length === undefined) {
      if (head.get("connection") !== "close") throw new Error("a body without an end");
      while (this.#ending === undefined) await this.#news.promise;
      return this.#take(this.#length);
    }
    if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`);
    return this.#bytes(Number(length));
  }

  async #chunked(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const size = await this.#line(crlf);
      if (size === undefined) throw new Error("the connection ends within a chunked body");
      if (!/^[0-9a-f]+$/.test(size)) throw new Error(`a chunk of size ${JSON.stringify(size)}`);
      const chunk = await this.#bytes(Number.parseInt(size, 16) + 2);
      if (chunk.subarray(-2).toString("latin1") !== crlf) throw new Error("a chunk without its end");
      if (size === "0") return Buffer.concat(parts);
      parts.push(chunk.subarray(0, -2));
    }
  }

  /** The text up to a separator, which is taken too; undefined where the connection ends before it. */
  async #line(separator: string): Promise<string | undefined> {
    for (;;) {
      const at = this.#all().indexOf(separator);
      if (at >= 0) return this.#take(at + separator.length).toString("latin1").slice(0, -separator.length);
      if (this.#ending !== undefined) return undefined;
      await this.#news.promise;
    }
  }

  async #bytes(count: number): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#ending !== undefined) throw new Error(`the connection ends ${count - this.#length} bytes too early`);
      await this.#news.promise;
    }
    return this.#take(count);
  }

  #take(count: number): Buffer {
    const all = this.#all();
    const taken = all.subarray(0, count);
    this.#chunks = [all.subarray(count)];
    this.#length -= taken.length;
    return taken;
  }

  #all(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    if (all !== undefined) return all;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #rest(): string {
    return JSON.stringify(this.#all().subarray(0, 200).toString("latin1"));
  }

  #onEnd(ending: Ending): void {
    this.#ending ??= ending;
    this.#signal();
  }

  #signal(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
