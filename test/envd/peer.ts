// A client of HTTP/1.1 for tests, written from RFC 9112: what it sends is exactly what it is told to, and what it gets is
// checked for what holds for every response.

import { connect, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";

export class Reply {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  /** The body as it was sent, framing aside. */
  readonly body: Buffer;

  constructor(status: number, fields: readonly (readonly [string, string])[], body: Buffer) {
    this.status = status;
    this.fields = fields;
    this.body = body;
  }

  /** The values of a field, whose name is given in lower case, joined; undefined where it is not there. */
  field(name: string): string | undefined {
    const values = this.fields.filter(([key]) => key === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(", ");
  }

  get text(): string {
    return this.body.toString();
  }

  get json(): unknown {
    return JSON.parse(this.text);
  }

  /** The message of an error object, which has the response's status. */
  get message(): string {
    const object = this.json as { code: number; message: string };
    if (object.code !== this.status) throw new Error(`code ${object.code} in a response of status ${this.status}`);
    if (this.field("content-type") !== "application/json; charset=utf-8") throw new Error("an error that is not JSON");
    if (this.field("x-content-type-options") !== "nosniff") throw new Error("an error that may be sniffed");
    return object.message;
  }

  /** The body with its content coding taken off. */
  get decoded(): Buffer {
    return this.field("content-encoding") === "gzip" ? gunzipSync(this.body) : this.body;
  }
}

export interface Request {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** The bytes of a request. Characters of the target and of fields up to U+00FF are bytes. */
export function requestBytes(method: string, target: string, request: Request = {}): Buffer {
  const body = Buffer.from(request.body ?? "");
  const headers: Record<string, string> = { Host: "test", ...request.headers };
  const isChunked = Object.keys(headers).some((name) => name.toLowerCase() === "transfer-encoding");
  if (request.body !== undefined && !isChunked && headers["Content-Length"] === undefined) headers["Content-Length"] = `${body.length}`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"), body]);
}

/** A chunk of a chunked body; an empty one is its end. */
export function chunk(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

export class Peer {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};
  /** Interim responses so far, their statuses. */
  readonly interim: number[] = [];
  /** Resolves when nothing more comes, however it ends. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      const bytes = Buffer.from(data);
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#failure = error;
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        this.#isEnded = true;
        this.#wake();
        resolve();
      };
      socket.on("end", onEnd).on("close", onEnd);
    });
  }

  static async connect(port: number): Promise<Peer> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.setNoDelay(true);
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
    });
    return peer;
  }

  /** Sends bytes; resolves when the system has taken them, or the connection is over. */
  async send(bytes: Uint8Array | string): Promise<void> {
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      void this.closed.then(resolve);
      this.#socket.write(bytes, () => resolve());
    });
  }

  /** The next response; `isHead` where its body is left out. Throws where the connection ends before it is whole. */
  async read(isHead = false): Promise<Reply> {
    for (;;) {
      const end = await this.#await(() => this.#received.indexOf("\r\n\r\n"), "the head");
      const lines = this.#take(end + 4).toString("latin1").split("\r\n").slice(0, -2);
      const match = /^HTTP\/1\.1 (\d{3}) .*$/.exec(lines.shift() ?? "");
      if (match === null) throw new Error("no status line");
      const status = Number(match[1]);
      if (status < 200) {
        this.interim.push(status);
        continue;
      }
      const fields = lines.map((line): [string, string] => {
        const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
        if (field === null) throw new Error(`no field: ${JSON.stringify(line)}`);
        return [(field[1] ?? "").toLowerCase(), field[2] ?? ""];
      });
      const head = new Reply(status, fields, Buffer.alloc(0));
      for (const name of ["content-length", "content-type", "transfer-encoding", "content-disposition", "date"]) {
        if (fields.filter(([key]) => key === name).length > 1) throw new Error(`more than one ${name}`);
      }
      const hasBody = !isHead && status !== 204 && status !== 304;
      return hasBody ? new Reply(status, fields, await this.#readBody(head)) : head;
    }
  }

  /** Whatever comes until the connection ends. */
  async rest(): Promise<Buffer> {
    await this.closed;
    return this.#take(this.#received.length);
  }

  /** Bytes received and not read. */
  get waiting(): number {
    return this.#received.length;
  }

  /** Stops taking bytes from the system. */
  pause(): void {
    this.#socket.pause();
  }

  /** Goes on taking them. */
  resume(): void {
    this.#socket.resume();
  }

  /** Ends the sending side. */
  end(): void {
    this.#socket.end();
  }

  /** Leaves at once, with a reset where bytes are unread. */
  leave(): void {
    this.#socket.destroy();
  }

  async #readBody(head: Reply): Promise<Buffer> {
    if (head.field("transfer-encoding") === "chunked") return this.#readChunks();
    const length = head.field("content-length");
    if (length === undefined) return this.rest();
    await this.#await(() => (this.#received.length >= Number(length) ? 0 : -1), `the body of ${length} bytes`);
    return this.#take(Number(length));
  }

  async #readChunks(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const line = await this.#await(() => this.#received.indexOf("\r\n"), "a chunk's size");
      const size = Number.parseInt(this.#take(line + 2).toString(), 16);
      await this.#await(() => (this.#received.length >= size + 2 ? 0 : -1), `a chunk of ${size} bytes`);
      const data = this.#take(size + 2);
      if (data.toString("latin1", size) !== "\r\n") throw new Error("a chunk that does not end");
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(data.subarray(0, size));
    }
  }

  async #await(find: () => number, what: string): Promise<number> {
    for (;;) {
      const found = find();
      if (found >= 0) return found;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isEnded) throw new Error(`the connection ended before ${what}, after ${this.#received.length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(count: number): Buffer {
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }
}

/** One request on a connection of its own. */
export async function ask(port: number, method: string, target: string, request: Request = {}): Promise<Reply> {
  const peer = await Peer.connect(port);
  try {
    await peer.send(requestBytes(method, target, { ...request, headers: { Connection: "close", ...request.headers } }));
    return await peer.read(method === "HEAD");
  } finally {
    peer.leave();
  }
}

/** A multipart body of parts, each its header lines and its content. */
export function formBody(boundary: string, parts: readonly (readonly [string, Uint8Array | string])[]): Buffer {
  const pieces = parts.flatMap(([head, content]) => [Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from("\r\n")]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

/** The header lines of a part that is a file of the form's field `file`. */
export function filePart(filename: string | undefined, name = "file"): string {
  const rest = filename === undefined ? "" : `; filename="${filename}"`;
  return `Content-Disposition: form-data; name="${name}"${rest}`;
}
