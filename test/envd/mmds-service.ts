// A metadata service that answers byte for byte as Firecracker's does; lifecycle.md 4.1. It serves on a loopback port, or on a
// Unix socket for mmds-door.ts, and does not close a connection after an answer.

import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";

export const host = "169.254.169.254";

/** The hash of an access token, as the host publishes it. */
export const hashOf = (token: string): string => createHash("sha512").update(token).digest("hex");

export interface Connection {
  readonly opened: number;
  /** Whether the client has closed it. */
  isClosed: boolean;
  readonly requests: string[];
}

/** An answer as Firecracker writes it: no reason, but the space before it. */
export function answer(status: number, body: string | Buffer, type = "text/plain", fields = ""): Buffer {
  const bytes = Buffer.from(body);
  const head = `HTTP/1.1 ${status} \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n${fields}Content-Type: ${type}\r\n` +
    `Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** What to do about a request: bytes to send, now or later, nothing, or what is usual. */
export type Reply = (request: string, connection: Connection) => Buffer | Promise<Buffer> | "silence" | "usual" | "close";

type Peer = { connection: Connection; received: string; pending: Buffer };

export class MetadataService {
  /** What the host has put there. */
  store: unknown = null;
  isV1 = false;
  reply: Reply = () => "usual";
  /** Closes a connection after each answer, as Firecracker does not. */
  closes = false;
  readonly connections: Connection[] = [];
  /** How many connections have been open at once, of those that were not just being closed. */
  mostOpen = 0;
  readonly #directory = scratchDirectory();
  readonly path = join(this.#directory, "mmds.sock");
  readonly #tokens = new Set<string>();
  readonly #listeners: { stop(closes: boolean): void }[] = [];
  readonly port: number;

  constructor() {
    const socket = {
      open: (peer: Bun.Socket<Peer>): void => this.#open(peer),
      data: (peer: Bun.Socket<Peer>, bytes: Buffer): void => this.#receive(peer, bytes),
      drain: (peer: Bun.Socket<Peer>): void => this.#flush(peer),
      close: (peer: Bun.Socket<Peer>): void => {
        peer.data.connection.isClosed = true;
      },
      error: (): void => {},
    };
    const tcp = Bun.listen<Peer>({ hostname: "127.0.0.1", port: 0, socket });
    this.port = tcp.port;
    this.#listeners.push(tcp, Bun.listen<Peer>({ unix: this.path, socket }));
  }

  static async with(store: unknown, body: (service: MetadataService) => Promise<void>): Promise<void> {
    const service = new MetadataService();
    service.store = store;
    try {
      await body(service);
    } finally {
      service.dispose();
    }
  }

  /** The agent's arguments that lead it here. */
  get args(): string[] {
    return ["--mmds", `127.0.0.1:${this.port}`];
  }

  get requests(): string[] {
    return this.connections.flatMap(({ requests }) => requests);
  }

  /** As at a restore: another Firecracker knows none of the tokens. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.stop(true);
    remove(this.#directory);
  }

  #open(peer: Bun.Socket<Peer>): void {
    const connection: Connection = { opened: performance.now(), isClosed: false, requests: [] };
    peer.data = { connection, received: "", pending: Buffer.alloc(0) };
    this.connections.push(connection);
    // What was closed before this one was opened may be heard of only now.
    setTimeout(() => {
      const open = this.connections.filter(({ isClosed }) => !isClosed).length;
      this.mostOpen = Math.max(this.mostOpen, open);
    }, 50);
  }

  #receive(peer: Bun.Socket<Peer>, bytes: Buffer): void {
    const { data } = peer;
    data.received += bytes.toString("latin1");
    for (;;) {
      const end = data.received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const request = data.received.slice(0, end + 4);
      data.received = data.received.slice(end + 4);
      data.connection.requests.push(request);
      const reply = this.reply(request, data.connection);
      if (reply === "silence") continue;
      if (reply === "close") peer.terminate();
      else if (reply instanceof Promise) void reply.then((bytes) => this.#send(peer, bytes));
      else this.#send(peer, reply === "usual" ? this.usual(request) : reply);
    }
  }

  #send(peer: Bun.Socket<Peer>, bytes: Buffer): void {
    peer.data.pending = Buffer.concat([peer.data.pending, bytes]);
    this.#flush(peer);
    if (this.closes && peer.data.pending.length === 0) peer.end();
  }

  #flush(peer: Bun.Socket<Peer>): void {
    const { data } = peer;
    while (data.pending.length > 0) {
      const count = peer.write(data.pending);
      if (count <= 0) return;
      data.pending = data.pending.subarray(count);
    }
  }

  /** What Firecracker answers. */
  usual(request: string): Buffer {
    const [line = "", ...fields] = request.trimEnd().split("\r\n");
    const [method = "", path = ""] = line.split(" ");
    const named = new Map(fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }));
    if (method === "PUT") {
      if (this.isV1) return answer(405, "Not allowed HTTP method.", "text/plain", "Allow: GET\r\n");
      if (path !== "/latest/api/token") return answer(404, `Resource not found: ${path}.`);
      const seconds = named.get("x-metadata-token-ttl-seconds") ?? "";
      if (!/^[0-9]+$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > 21_600) return answer(400, "Invalid time to live value provided for token: 0.");
      const token = randomBytes(36).toString("base64");
      this.#tokens.add(token);
      return answer(200, token, "text/plain", `X-metadata-token-ttl-seconds: ${seconds}\r\n`);
    }
    if (method !== "GET") return answer(405, "Not allowed HTTP method.", "text/plain", "Allow: GET, PUT\r\n");
    const token = named.get("x-metadata-token");
    if (!this.isV1 && token === undefined) return answer(401, "No MMDS token provided. Use `X-metadata-token` or `X-aws-ec2-metadata-token` header to specify the session token.");
    if (!this.isV1 && !this.#tokens.has(token ?? "")) return answer(401, "MMDS token not valid.");
    if (named.get("accept") !== "application/json") return answer(200, Object.keys((this.store ?? {}) as object).join("\n"));
    return answer(200, JSON.stringify(this.store), "application/json");
  }
}
