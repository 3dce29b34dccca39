// The requests of protocol v1 as a host makes them. Every reply is checked for the rules that hold
// for all of them: one terminator, nothing after it, a clean end.

import { Peer, type Address } from "./peer.ts";
import { chunkLimit, frame, frameType, parseObject, request, type JsonObject } from "./wire.ts";

export interface Reply {
  readonly object: JsonObject;
  /** The JSON text as it came. */
  readonly text: string;
}

export interface RunResult extends Reply {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface GetResult {
  readonly header: JsonObject;
  readonly content: Buffer;
}

export interface PutOptions {
  readonly mode?: number | null;
  /** What the request says; the content's length when absent. */
  readonly size?: number | string;
  /** Bytes per DATA frame. */
  readonly chunk?: number;
  /** Whether the host's closing EOF frame is sent; true when absent. */
  readonly eof?: boolean;
}

/** Reads the one JSON frame that ends a reply, and the end of the connection. */
export async function lastReply(peer: Peer): Promise<Reply> {
  const reply = await jsonFrame(peer);
  await cleanEnd(peer);
  return reply;
}

export async function jsonFrame(peer: Peer): Promise<Reply> {
  const last = await peer.frame();
  if (last === undefined) throw new Error("the agent closed without a reply");
  if (last.type !== frameType.json) throw new Error(`a frame of type ${last.type} instead of JSON`);
  return { object: parseObject(last.payload), text: last.payload.toString("utf8") };
}

async function cleanEnd(peer: Peer): Promise<void> {
  const ending = await peer.ending();
  if (ending !== "eof") throw new Error("the agent reset the connection after its reply");
  peer.close();
}

/** Reads a `run` answer to its end. */
export async function runResult(peer: Peer): Promise<RunResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  for (;;) {
    const next = await peer.frame();
    if (next === undefined) throw new Error("the agent closed before the terminator");
    if (next.type === frameType.json) {
      await cleanEnd(peer);
      const text = next.payload.toString("utf8");
      return { object: parseObject(next.payload), text, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
    }
    checkChunk(next.payload.length);
    if (next.type === frameType.stdout) stdout.push(next.payload);
    else if (next.type === frameType.stderr) stderr.push(next.payload);
    else throw new Error(`a frame of type ${next.type} in a run answer`);
  }
}

function checkChunk(length: number): void {
  if (length === 0 || length > chunkLimit) throw new Error(`an output frame of ${length} bytes`);
}

/** Reads DATA frames to the EOF frame and the end of the connection. */
export async function fileContent(peer: Peer, onData: (payload: Buffer) => void): Promise<void> {
  for (;;) {
    const next = await peer.frame();
    if (next === undefined) throw new Error("the agent closed before the EOF frame");
    if (next.type === frameType.eof) {
      if (next.payload.length !== 0) throw new Error("an EOF frame with a payload");
      return await cleanEnd(peer);
    }
    if (next.type !== frameType.data) throw new Error(`a frame of type ${next.type} in a download`);
    checkChunk(next.payload.length);
    onData(next.payload);
  }
}

export class Client {
  constructor(readonly address: Address) {}

  connect(): Promise<Peer> {
    return Peer.connect(this.address);
  }

  /** Connects and sends one request frame. */
  async open(value: JsonObject | string): Promise<Peer> {
    const peer = await this.connect();
    await peer.send(request(value));
    return peer;
  }

  /** A request that is answered by one JSON frame. */
  async ask(value: JsonObject | string): Promise<Reply> {
    return await lastReply(await this.open(value));
  }

  async ping(): Promise<void> {
    const { object, text } = await this.ask({ op: "ping", v: 1 });
    if (object.ok !== true || object.op !== "pong") throw new Error(`not a pong: ${text}`);
  }

  /** Runs a command through `/bin/sh -c` unless `keys` say otherwise. */
  async run(cmd: string, keys: JsonObject = {}): Promise<RunResult> {
    return await runResult(await this.open({ op: "run", v: 1, shell: "raw", cmd, ...keys }));
  }

  async put(path: string, content: Uint8Array, options: PutOptions = {}): Promise<Reply> {
    const { chunk = chunkLimit, eof = true } = options;
    const peer = await this.open(putRequest(path, content.length, options));
    for (let at = 0; at < content.length; at += chunk) {
      if (!(await peer.send(frame(frameType.data, content.subarray(at, at + chunk))))) break;
    }
    if (eof) await peer.send(frame(frameType.eof));
    return await lastReply(peer);
  }

  async get(path: string): Promise<GetResult> {
    const peer = await this.open({ op: "get_file", v: 1, path });
    const { object } = await jsonFrame(peer);
    if (object.ok !== true) throw new Error(`get_file refused: ${JSON.stringify(object)}`);
    const parts: Buffer[] = [];
    await fileContent(peer, (payload) => parts.push(payload));
    return { header: object, content: Buffer.concat(parts) };
  }
}

export function putRequest(path: string, length: number, options: PutOptions = {}): JsonObject {
  const value: JsonObject = { op: "put_file", v: 1, path, size: options.size ?? length };
  if (options.mode !== undefined) value.mode = options.mode;
  return value;
}
