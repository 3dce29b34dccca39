// HTTP/1.1 over a socket of its own, written from RFC 9112: what is sent is what the test says, byte for byte.

import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The end of the first answer in some bytes, and the answer; undefined where it has not come whole. */
function parse(bytes: Buffer): [number, Answer] | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [line = "", ...fields] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = new Map(fields.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.slice(field.indexOf(":") + 1).trim()]));
  const answer = (body: Buffer): Answer => ({ status: Number(line.split(" ")[1]), headers, body });
  let at = headEnd + 4;
  if (headers.get("transfer-encoding") !== "chunked") {
    const end = at + Number(headers.get("content-length") ?? 0);
    return bytes.length < end ? undefined : [end, answer(bytes.subarray(at, end))];
  }
  const chunks: Buffer[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return [end, answer(Buffer.concat(chunks))];
    chunks.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}

export class RawClient {
  readonly #socket: Socket;
  #store: Buffer = Buffer.alloc(65_536);
  #size = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#append(bytes);
      this.#wake();
    });
    for (const event of ["close", "error"]) {
      socket.on(event, () => {
        this.#isClosed = true;
        this.#wake();
      });
    }
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return client;
  }

  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** The next answer on the connection. */
  async answer(): Promise<Answer> {
    for (;;) {
      const parsed = parse(this.#store.subarray(0, this.#size));
      if (parsed !== undefined) {
        const [end, answer] = parsed;
        const body = Buffer.from(answer.body);
        this.#take(end);
        return { ...answer, body };
      }
      await this.#more();
    }
  }

  /** So many bytes of what comes next. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#size < count) await this.#more();
    const bytes = Buffer.from(this.#store.subarray(0, count));
    this.#take(count);
    return bytes;
  }

  /** All that is left when the server has closed the connection. */
  async rest(): Promise<Buffer> {
    await this.closed();
    return this.bytes(this.#size);
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#event();
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  #append(bytes: Buffer): void {
    if (this.#size + bytes.length > this.#store.length) {
      const more = Buffer.alloc((this.#size + bytes.length) * 2);
      this.#store.copy(more, 0, 0, this.#size);
      this.#store = more;
    }
    bytes.copy(this.#store, this.#size);
    this.#size += bytes.length;
  }

  /** So many bytes of what has come are done with. */
  #take(count: number): void {
    this.#store.copyWithin(0, count, this.#size);
    this.#size -= count;
  }

  async #more(): Promise<void> {
    if (this.#isClosed) throw new Error(`closed after ${this.#size} bytes`);
    await this.#event();
  }

  #event(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The head of a request with these fields, a Host among them. */
export function head(line: string, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ Host: "test", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** One request on a connection of its own, its body of known length. */
export async function request(port: number, line: string, fields: Readonly<Record<string, string>>, body: Uint8Array | string = ""): Promise<Answer> {
  const client = await RawClient.open(port);
  try {
    const bytes = Buffer.from(body);
    await client.send(Buffer.concat([Buffer.from(head(line, { "Content-Length": `${bytes.length}`, ...fields })), bytes]));
    return await client.answer();
  } finally {
    client.close();
  }
}
