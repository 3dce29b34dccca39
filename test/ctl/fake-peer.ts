// A peer that misbehaves as a test wants it: listens on a Unix socket and answers by a script.

import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";
import { frame, frameType, type JsonObject } from "../wire.ts";

export type Script = (connection: Connection) => Promise<void> | void;

/** One accepted connection. */
export class Connection {
  readonly #socket: Bun.Socket<Connection>;
  #received: Buffer = Buffer.alloc(0);
  #news = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  constructor(socket: Bun.Socket<Connection>) {
    this.#socket = socket;
  }

  /** Bytes from the other side so far. */
  get received(): Buffer {
    return this.#received;
  }

  /** Waits until a condition on the received bytes holds. */
  async until(condition: (received: Buffer) => boolean): Promise<void> {
    while (!condition(this.#received)) await this.#news.promise;
  }

  /** Waits for the request, then reads no more. */
  async request(): Promise<void> {
    await this.until((bytes) => bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1));
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    let rest = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    while (rest.length > 0) {
      rest = rest.subarray(Math.max(this.#socket.write(rest), 0));
      if (rest.length > 0) await this.#room.promise;
    }
  }

  async json(value: JsonObject | string): Promise<void> {
    await this.send(frame(frameType.json, typeof value === "string" ? value : JSON.stringify(value)));
  }

  end(): void {
    this.#socket.end();
  }

  /** Says no more, and takes whatever comes: what is unread at the end resets the connection. */
  endSending(): void {
    this.#socket.resume();
    this.#socket.shutdown();
  }

  onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  onRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }
}

/** Listens for the time of `body`, which gets the socket's path. Every connection is answered by the script. */
export async function withPeer(script: Script, body: (path: string) => Promise<void>): Promise<void> {
  const directory = scratchDirectory();
  const path = join(directory, "peer.sock");
  const connections = new Map<Bun.Socket<Connection>, Connection>();
  const listener = Bun.listen<Connection>({
    unix: path,
    socket: {
      open: (socket) => {
        const connection = new Connection(socket);
        connections.set(socket, connection);
        void script(connection);
      },
      data: (socket, chunk) => connections.get(socket)?.onData(chunk),
      drain: (socket) => connections.get(socket)?.onRoom(),
    },
  });
  try {
    await body(path);
  } finally {
    listener.stop(true);
    remove(directory);
  }
}
