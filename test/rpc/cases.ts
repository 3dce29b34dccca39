// Cases that hold in both codecs, against one daemon per file.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon, type DaemonOptions } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { CallError, Client, type Codec, codecs } from "./client.ts";

setDefaultTimeout(hangLimit);

export class Cases {
  #daemon: Daemon | undefined;

  constructor(options: DaemonOptions = {}) {
    beforeAll(async () => {
      this.#daemon = await Daemon.start(options);
    });
    afterAll(() => this.#daemon?.dispose());
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error("the daemon has not been started");
    return this.#daemon;
  }

  client(codec: Codec): Client {
    return new Client(this.daemon.port, codec);
  }

  /** A case for each codec. */
  both(name: string, body: (client: Client) => Promise<void>, timeout = hangLimit): void {
    for (const codec of codecs) test(`${name} (${codec})`, () => body(this.client(codec)), timeout);
  }

  /** A case in one codec, where the codec makes no difference. */
  once(name: string, body: (client: Client) => Promise<void>, timeout = hangLimit): void {
    test(name, () => body(this.client("proto")), timeout);
  }
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
