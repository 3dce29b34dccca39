// One daemon for the cases of a file. A case that fails fails alone: what it leaves open is closed, what it leaves running
// is killed, and a daemon that it has ended is started again.

import { afterAll, beforeAll, test } from "bun:test";
import { Daemon, type DaemonOptions } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { Client } from "./client.ts";
import { HttpStream } from "./http.ts";

/** How long a daemon has for ending what a case has left; then it is ended itself. */
const CLEAR_MS = 40_000;
const AFTERWARDS_MS = 60_000;

export class SharedDaemon {
  readonly #options: DaemonOptions;
  #daemon: Daemon | undefined;
  #idle = 0;

  constructor(options: DaemonOptions) {
    this.#options = options;
    beforeAll(() => this.#start());
    afterAll(() => this.#daemon?.dispose());
  }

  get current(): Daemon {
    if (this.#daemon === undefined) throw new Error("the daemon has not been started");
    return this.#daemon;
  }

  /** A case, which has failed when it is not done after `limit` milliseconds: the runner's own limit would end the daemon too. */
  test(name: string, limit: number, body: () => Promise<void>): void {
    test(name, () => this.#run(limit, body), limit + AFTERWARDS_MS);
  }

  async #run(limit: number, body: () => Promise<void>): Promise<void> {
    if (this.current.exitCode !== null) {
      await this.current.dispose();
      await this.#start();
    }
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`not done within ${limit} ms`)), limit);
    try {
      await Promise.race([body(), promise]);
    } finally {
      clearTimeout(timer);
      await this.#clear();
    }
  }

  async #start(): Promise<void> {
    this.#daemon = await Daemon.start(this.#options);
    this.#idle = this.#daemon.descriptors();
  }

  /** How many descriptors the daemon has without connections, once there are none. */
  async idleDescriptors(): Promise<number> {
    await until("no connection is left", 20, () => this.current.descriptors() <= this.#idle);
    return this.#idle;
  }

  async #clear(): Promise<void> {
    await HttpStream.leaveAll();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), CLEAR_MS);
    const isClear = await Promise.race([promise, this.#killAll().then(() => true, () => false)]);
    clearTimeout(timer);
    if (!isClear) await this.current.dispose();
  }

  async #killAll(): Promise<void> {
    const client = new Client(this.current.port, "json");
    await until("nothing is left running", 20, async () => {
      const pids = await client.pids();
      for (const pid of pids) await client.kill({ pid }).catch(() => {});
      return pids.length === 0;
    });
    // It has turned once more since the connections were closed, and so has seen that.
    await client.pids();
  }
}
