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
  #buffer = Buffer.alloc(0);
  #ending: Ending | undefined;
  #news = Promise.withResolvers<void>();
  received = 0;

  private constructor() {}

  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient();
    client.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      data: undefined,
      socket: {
        data: (_, chunk) => {
          client.#buffer = Buffer.concat([client.#buffer, chunk]);
          client.received += chunk.length;
          client.#signal();
        },
        drain: () => client.#signal(),
        end: () => client.#onEnd("eof"),
        close: (_, error) => client.#onEnd(error === undefined || error === null ? "eof" : "reset"),
        error: () => client.#onEnd("reset"),
      },
    });
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

  abort(): void {
    this.#socket?.terminate();
  }

  /** The head of the next response, and nothing of its body; undefined where the connection ends before it begins. */
  async head(): Promise<RawResponse | undefined> {
    const end = await this.#until((buffer) => {
      const at = buffer.indexOf(crlf + crlf);
      return at < 0 ? undefined : at;
    });
    if (end === undefined) {
      if (this.#buffer.length > 0) throw new Error(`cut off: ${JSON.stringify(this.#buffer.toString("latin1"))}`);
      return undefined;
    }
    const [line = "", ...lines] = this.#take(end + 4).toString("latin1").slice(0, -4).split(crlf);
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
    await this.#until(() => undefined);
    if (this.#buffer.length > 0) throw new Error(`unexpected: ${JSON.stringify(this.#buffer.subarray(0, 200).toString("latin1"))}`);
    return this.#ending ?? "eof";
  }

  /** The end of the connection, whatever comes before it. */
  async ended(): Promise<Ending> {
    await this.#until(() => undefined);
    return this.#ending ?? "eof";
  }

  async #body(head: RawResponse, method: string): Promise<Buffer> {
    const isChunked = head.get("transfer-encoding") === "chunked";
    const length = head.get("content-length");
    if (isChunked && length !== undefined) throw new Error("Transfer-Encoding beside Content-Length");
    if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) return Buffer.alloc(0);
    if (isChunked) return this.#chunks();
    if (length === undefined) {
      if (head.get("connection") !== "close") throw new Error("a body without an end");
      await this.#until(() => undefined);
      return this.#take(this.#buffer.length);
    }
    if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`);
    return this.#bytes(Number(length));
  }

  async #chunks(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const at = await this.#until((buffer) => (buffer.includes(crlf) ? buffer.indexOf(crlf) : undefined));
      if (at === undefined) throw new Error("the connection ends within a chunked body");
      const size = this.#take(at + 2).toString("latin1").slice(0, -2);
      if (!/^[0-9a-f]+$/.test(size)) throw new Error(`a chunk of size ${JSON.stringify(size)}`);
      const chunk = await this.#bytes(Number.parseInt(size, 16) + 2);
      if (chunk.subarray(-2).toString("latin1") !== crlf) throw new Error("a chunk without its end");
      if (size === "0") return Buffer.concat(parts);
      parts.push(chunk.subarray(0, -2));
    }
  }

  async #bytes(count: number): Promise<Buffer> {
    const isThere = await this.#until((buffer) => (buffer.length >= count ? true : undefined));
    if (isThere === undefined) throw new Error(`the connection ends ${count - this.#buffer.length} bytes too early`);
    return this.#take(count);
  }

  #take(count: number): Buffer {
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  /** What `look` finds in the bytes that have come; undefined where the connection ends before. */
  async #until<T>(look: (buffer: Buffer) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look(this.#buffer);
      if (found !== undefined || this.#ending !== undefined) return found;
      await this.#news.promise;
    }
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
