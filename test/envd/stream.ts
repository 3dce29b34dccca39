// TCP as the two sides of a forwarded port see it: bytes in order, half-closes, resets, and who stops reading.

import type { Ending } from "../peer.ts";

type Socket = Bun.Socket<Stream>;

const handler: Bun.SocketHandler<Stream> = {
  data: (socket, chunk) => socket.data.onData(chunk),
  drain: (socket) => socket.data.signal(),
  end: (socket) => socket.data.onEnd("eof"),
  close: (socket, error) => socket.data.onEnd(error === undefined || error === null ? "eof" : "reset"),
  error: (socket) => socket.data.onEnd("reset"),
};

export class Stream {
  socket: Socket | undefined;
  received = 0;
  /** Takes what comes, in place of keeping it. */
  onChunk: ((chunk: Buffer) => void) | undefined;
  #chunks: Buffer[] = [];
  #ending: Ending | undefined;
  #news = Promise.withResolvers<void>();

  static async connect(hostname: string, port: number): Promise<Stream> {
    const stream = new Stream();
    stream.socket = await Bun.connect({ hostname, port, allowHalfOpen: true, data: stream, socket: handler });
    return stream;
  }

  /** Hands everything to the kernel. Returns false where the other side is gone. */
  async send(data: string | Uint8Array): Promise<boolean> {
    let rest = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    while (rest.length > 0) {
      if (this.#ending === "reset" || this.socket === undefined) return false;
      const written = this.socket.write(rest);
      if (written < 0) return false;
      rest = rest.subarray(written);
      if (rest.length > 0) await this.#news.promise;
    }
    this.socket?.flush();
    return true;
  }

  endSending(): void {
    this.socket?.shutdown();
  }

  /** Closes with a reset. */
  abort(): void {
    this.socket?.terminate();
  }

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** So many bytes, as text. */
  async read(count: number): Promise<string> {
    let all = Buffer.concat(this.#chunks);
    while (all.length < count) {
      if (this.#ending !== undefined) throw new Error(`ended (${this.#ending}) after ${all.length} of ${count} bytes`);
      await this.#news.promise;
      all = Buffer.concat(this.#chunks);
    }
    this.#chunks = [all.subarray(count)];
    return all.toString("latin1", 0, count);
  }

  /** Everything up to the end, and how that came. */
  async rest(): Promise<[string, Ending]> {
    while (this.#ending === undefined) await this.#news.promise;
    return [Buffer.concat(this.#chunks.splice(0)).toString("latin1"), this.#ending];
  }

  /** The answer to a text that is sent. */
  async ask(text: string, length = text.length): Promise<string> {
    await this.send(text);
    return this.read(length);
  }

  onData(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.onChunk === undefined) this.#chunks.push(Buffer.from(chunk));
    else this.onChunk(chunk);
    this.signal();
  }

  onEnd(ending: Ending): void {
    this.#ending ??= ending;
    this.signal();
  }

  signal(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}

/** A server, which keeps what connects to it. */
export class Server {
  readonly port: number;
  readonly streams: Stream[] = [];
  readonly #listener: Bun.TCPSocketListener<Stream>;
  readonly #onStream: (stream: Stream) => void;
  #news = Promise.withResolvers<void>();

  private constructor(hostname: string, port: number, onStream: (stream: Stream) => void) {
    this.#onStream = onStream;
    this.#listener = Bun.listen<Stream>({
      hostname,
      port,
      allowHalfOpen: true,
      socket: { ...handler, open: (socket) => this.#onOpen(socket) },
    });
    this.port = this.#listener.port;
  }

  static listen(hostname: string, port: number, onStream: (stream: Stream) => void = () => {}): Server {
    return new Server(hostname, port, onStream);
  }

  /** One that sends back what it gets, to the end; what it says first, if anything, tells it from others. */
  static echo(hostname: string, port: number, greeting = ""): Server {
    return Server.listen(hostname, port, (stream) => {
      void stream.send(greeting);
      stream.onChunk = (chunk) => void stream.send(Buffer.from(chunk));
      void stream.rest().then(() => stream.endSending());
    });
  }

  /** The connection with this number, once it is there. */
  async stream(index: number): Promise<Stream> {
    for (;;) {
      const stream = this.streams[index];
      if (stream !== undefined) return stream;
      await this.#news.promise;
    }
  }

  /** Stops listening; what is connected stays, unless `isAll`. */
  stop(isAll = false): void {
    this.#listener.stop(isAll);
  }

  #onOpen(socket: Socket): void {
    const stream = new Stream();
    stream.socket = socket;
    socket.data = stream;
    this.streams.push(stream);
    this.#onStream(stream);
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
