// Cases that hold in both codecs, against one daemon per file.

import { expect, setDefaultTimeout } from "bun:test";
import { hangLimit } from "../agent.ts";
import { type Answer, request } from "../connect/raw.ts";
import type { Daemon, DaemonOptions } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { CallError, type Codec, codecs } from "./call.ts";
import { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";
import { SharedDaemon } from "./shared-daemon.ts";

setDefaultTimeout(hangLimit);

export class Cases {
  readonly #shared: SharedDaemon;

  constructor(options: DaemonOptions = {}) {
    this.#shared = new SharedDaemon(options);
  }

  get daemon(): Daemon {
    return this.#shared.current;
  }

  /** How many descriptors the daemon has without connections, once there are none. */
  idleDescriptors(): Promise<number> {
    return this.#shared.idleDescriptors();
  }

  client(codec: Codec): Client {
    return new Client(this.daemon.port, codec);
  }

  /** One request as it is, on a connection of its own. `type` is that of the body, undefined for none. */
  post(path: string, type: string | undefined, body: Uint8Array | string = "", fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return request(this.daemon.port, `POST ${path}`, { ...(type === undefined ? {} : { "Content-Type": type }), ...fields }, body);
  }

  /** A case for each codec. */
  both(name: string, body: (client: Client) => Promise<void>, limit = hangLimit): void {
    for (const codec of codecs) this.#shared.test(`${name} (${codec})`, limit, () => body(this.client(codec)));
  }

  /** A case in one codec, where the codec makes no difference. */
  once(name: string, body: (client: Client) => Promise<void>, limit = hangLimit): void {
    this.#shared.test(name, limit, () => body(this.client("proto")));
  }
}

/** A process that has started. */
export async function running(client: Client, request: object): Promise<EventStream> {
  const stream = await client.stream("Start", request as never);
  await stream.started();
  return stream;
}

/** One that sends back what it is sent. */
export function cat(client: Client, more: object = {}): Promise<EventStream> {
  return running(client, { process: { cmd: "/bin/cat" }, ...more });
}

/** The error that a call fails with. */
export async function failure(call: Promise<unknown>): Promise<CallError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error("the call has succeeded");
}

/** Expects a stream that ends with an error before anything has come. */
export async function expectRefused(stream: Promise<{ started(): Promise<number> }>, code: string, text = ""): Promise<void> {
  const error = await failure((await stream).started());
  expect(error.code).toBe(code);
  expect(error.message).toContain(text);
}

/** Waits until a process is not listed any more. */
export async function untilGone(client: Client, pid: number): Promise<void> {
  await until(`process ${pid} is not listed`, 20, async () => !(await client.pids()).includes(pid));
}
