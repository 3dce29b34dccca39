// HTTP/1.1 over a socket in the hands of the test: what is sent when, what is read when, and how it ends.

import { connect, type Socket } from "node:net";

/** A TCP port of this machine, or the path of a Unix socket. */
export type Address = number | string;

/** What never comes: whoever waits for it is gone. */
const never = new Promise<never>(() => {});

export class HttpStream {
  static readonly #open = new Set<HttpStream>();
  status = 0;
  headers: Record<string, string> = {};
  readonly socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);
  #isLeft = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    HttpStream.#open.add(this);
    socket.once("close", () => HttpStream.#open.delete(this));
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Sends the head of a request. The body follows with `send` where the headers announce one. */
  static async open(address: Address, path: string, headers: Record<string, string>): Promise<HttpStream> {
    const where = typeof address === "number" ? { port: address, host: "127.0.0.1", noDelay: true } : { path: address };
    const socket = connect(where);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
    });
    socket.removeAllListeners("error");
    socket.on("error", () => {});
    const stream = new HttpStream(socket);
    const lines = Object.entries({ Host: "envd", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    return stream;
  }

  /** Closes all that are open. What still waits for one of them waits for ever. */
  static async leaveAll(): Promise<void> {
    const closed = [...HttpStream.#open].map((stream) => {
      stream.#isLeft = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.socket.once("close", () => resolve());
      stream.socket.destroy();
      return promise;
    });
    await Promise.all(closed);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Reads the head of the response. */
  async head(): Promise<void> {
    let end = -1;
    while ((end = this.#buffer.indexOf("\r\n\r\n")) < 0) await this.#more();
    const [first = "", ...lines] = this.#buffer.subarray(0, end).toString().split("\r\n");
    this.#buffer = this.#buffer.subarray(end + 4);
    this.status = Number(first.split(" ")[1]);
    for (const line of lines) {
      const colon = line.indexOf(":");
      this.headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
  }

  /** The next chunk of the body; undefined after the last. */
  async chunk(): Promise<Buffer | undefined> {
    let end = -1;
    while ((end = this.#buffer.indexOf("\r\n")) < 0) await this.#more();
    const size = parseInt(this.#buffer.subarray(0, end).toString(), 16);
    this.#buffer = this.#buffer.subarray(end + 2);
    const data = await this.take(size);
    const line = await this.take(2);
    if (line.toString() !== "\r\n") throw new Error("a chunk without an end");
    return size === 0 ? undefined : data;
  }

  /** So many bytes. */
  async take(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) await this.#more();
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  /** Whether the peer has closed, nothing having come before. */
  async isAtEnd(): Promise<boolean> {
    return this.#buffer.length === 0 && (await this.#chunks.next()).done === true;
  }

  close(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next().catch((error: unknown) => {
      if (this.#isLeft) return never;
      throw error;
    });
    if (this.#isLeft) await never;
    if (done === true) throw new Error("the peer has closed");
    this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
  }
}
