// One connection to an agent, as a host sees it: sends with backpressure, reads only when asked,
// half-closes, hangs up, aborts.

import { Decoder, type Frame } from "./wire.ts";

/** Where an agent listens; `fd` is a socket that is connected already. */
export type Address = { unix: string } | { hostname: string; port: number } | { fd: number };

/** How the agent's side of the connection ended. */
export type Ending = "eof" | "reset";

/** Bun takes an `fd` in place of a path, which its types do not say. */
function connected<T>(fd: number, rest: T): T & { fd: number; unix: string } {
  return { ...rest, fd, unix: "" };
}

/** Unread bytes at which reading stops until somebody asks for more. */
const readAhead = 128 * 1024;

export class Peer {
  readonly #decoder = new Decoder();
  #socket: Bun.Socket<undefined> | undefined;
  #ending: Ending | undefined;
  #paused = false;
  #received = 0;
  #news = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  private constructor() {}

  static async connect(address: Address): Promise<Peer> {
    const peer = new Peer();
    const socket: Bun.SocketHandler<undefined> = {
      data: (_, chunk) => peer.#onData(chunk),
      drain: () => peer.#signal(),
      end: () => peer.#onEnd("eof"),
      close: (_, error) => peer.#onEnd(error === undefined || error === null ? "eof" : "reset"),
      error: () => peer.#onEnd("reset"),
    };
    const rest = { socket, allowHalfOpen: true, data: undefined };
    if ("unix" in address) peer.#socket = await Bun.connect({ ...rest, unix: address.unix });
    else if ("fd" in address) peer.#socket = await Bun.connect(connected(address.fd, rest));
    else peer.#socket = await Bun.connect({ ...rest, hostname: address.hostname, port: address.port });
    return peer;
  }

  /** Payload and header bytes received so far. */
  get received(): number {
    return this.#received;
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** Hands all of `bytes` to the kernel; false when the agent closed first. */
  async send(bytes: Uint8Array): Promise<boolean> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#ending !== undefined || this.#socket === undefined) return false;
      const written = this.#socket.write(rest);
      if (written < 0) return false;
      rest = rest.subarray(written);
      if (rest.length > 0) await this.#room.promise;
    }
    return true;
  }

  /** Says that nothing more will be sent, and goes on reading. */
  endSending(): void {
    this.#socket?.shutdown();
  }

  /** Closes both directions at once; on TCP with a reset. */
  abort(): void {
    this.#socket?.terminate();
  }

  /** Closes both directions, what was sent still being delivered. */
  close(): void {
    this.#socket?.end();
    this.#socket?.terminate();
  }

  /** The next frame, or undefined once the agent has closed and everything was read. */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#decoder.next();
      if (frame !== undefined) return frame;
      if (this.#ending !== undefined) return undefined;
      if (this.#paused) {
        this.#paused = false;
        this.#socket?.resume();
      }
      await this.#news.promise;
    }
  }

  /** Reads to the end and says how it came; throws when a frame is still to be read. */
  async ending(): Promise<Ending> {
    const surplus = await this.frame();
    if (surplus !== undefined) throw new Error(`a frame of type ${surplus.type} came after the last one`);
    if (this.#decoder.buffered > 0) throw new Error("the last frame is cut off");
    return this.#ending ?? "eof";
  }

  #onData(chunk: Buffer): void {
    this.#received += chunk.length;
    this.#decoder.push(chunk);
    if (this.#decoder.buffered >= readAhead && !this.#paused) {
      this.#paused = true;
      this.#socket?.pause();
    }
    this.#signal();
  }

  #onEnd(ending: Ending): void {
    this.#ending ??= ending;
    this.#signal();
  }

  #signal(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }
}
