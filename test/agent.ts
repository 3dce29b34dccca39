// A running agent: started on a fresh socket, observed through /proc, stopped by SIGTERM.

import { join } from "node:path";
import { Client } from "./client.ts";
import { host } from "./host.ts";
import { LogFile } from "./log-file.ts";
import * as proc from "./proc.ts";
import { remove, scratchDirectory } from "./scratch.ts";
import { until } from "./until.ts";

/** Milliseconds after which a test that hangs is ended; not a measure of speed. */
export const hangLimit = 60_000 * host.patience;

export interface StartOptions {
  /** Arguments; a Unix socket in the agent's directory when absent. */
  readonly args?: readonly string[];
  /** A program that executes the agent, such as `env --ignore-signal=HUP`. */
  readonly launcher?: readonly string[];
  /** Laid over the environment of the tests; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Descriptors the agent inherits as 3, 4, ... */
  readonly inherit?: readonly number[];
  /** Ready lines to wait for: as many as listeners. */
  readonly listeners?: number;
  /** Under a supervisor of its own, as it starts by default; otherwise the agent is one process, easy to observe. */
  readonly isSupervised?: boolean;
  /** The agent program and its leading arguments; the host's own when absent. */
  readonly command?: readonly string[];
}

let count = 0;

/** An agent's process, whatever becomes of it. */
export class AgentProcess {
  readonly directory = scratchDirectory();
  readonly socket = join(this.directory, "agent.sock");
  readonly #child: Bun.Subprocess<"ignore", "pipe", number>;
  readonly #log = new LogFile();
  readonly #marker = `MOTE_TEST=${process.pid}-${++count}`;
  readonly exited: Promise<number>;

  constructor(options: StartOptions = {}) {
    const args = options.args ?? ["--listen", `unix:${this.socket}`];
    const mode = options.isSupervised === true ? [] : ["--no-supervise"];
    this.#child = Bun.spawn({
      cmd: [...(options.launcher ?? []), ...(options.command ?? host.command), ...mode, ...args],
      cwd: this.directory,
      // A home without profiles: what a developer's login shell does is nobody's to wait for, or to interrupt.
      env: { ...process.env, HOME: this.directory, ...options.env, MOTE_TEST: this.#marker.slice("MOTE_TEST=".length) },
      stdio: ["ignore", "pipe", this.#log.fd, ...(options.inherit ?? [])],
    });
    this.exited = this.#child.exited;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** What it has written to standard error so far. */
  get stderr(): string {
    return this.#log.text;
  }

  stdout(): Promise<string> {
    return new Response(this.#child.stdout).text();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Lines on standard error so far. */
  get lines(): string[] {
    return this.stderr.split("\n").filter((line) => line !== "");
  }

  /** Living processes that the agent or its commands started, wherever they went. */
  leftovers(): number[] {
    return proc.withEnvironment(this.#marker).filter((pid) => pid !== this.pid && !proc.isWorker(pid));
  }

  /** Ends it by force where it still runs, and removes its directory. */
  async dispose(): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
    for (const pid of this.leftovers()) process.kill(pid, "SIGKILL");
    this.#log.close();
    remove(this.directory);
  }
}

/** An agent that is ready. */
export class Agent extends AgentProcess {
  readonly client = new Client({ unix: this.socket });
  #idleDescriptors = 0;

  static async start(options: StartOptions = {}): Promise<Agent> {
    const agent = new Agent(options);
    const listeners = options.listeners ?? 1;
    try {
      await until("the agent is ready", 20, () => {
        if (agent.exitCode !== null) throw new Error(`the agent exited with ${agent.exitCode}: ${agent.stderr}`);
        return agent.stderr.split("listening on ").length > listeners;
      });
    } catch (error) {
      await agent.dispose();
      throw new Error(`not ready; it said: ${agent.stderr}`, { cause: error });
    }
    // A worker that answers has come to stay, with what its supervisor holds for it.
    if (options.isSupervised === true) await agent.client.ping();
    agent.#idleDescriptors = agent.descriptors();
    return agent;
  }

  /** Runs `body` with an agent of its own, which must end it as idle as it began. */
  static async with(options: StartOptions, body: (agent: Agent) => Promise<void>): Promise<void> {
    const agent = await Agent.start(options);
    try {
      await body(agent);
      await agent.settled();
      await agent.stop();
    } finally {
      await agent.dispose();
    }
  }

  descriptors(): number {
    return proc.descriptors(this.pid);
  }

  memory(): proc.Memory {
    return proc.memory(this.pid);
  }

  /** Its children but the worker of a supervisor. */
  children(): number[] {
    return proc.children(this.pid).filter((pid) => !proc.isWorker(pid));
  }

  /** The living worker of a supervisor. */
  worker(): number | undefined {
    return proc.workerOf(this.pid);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Waits until no process, zombie or descriptor is left of what was served. */
  async settled(seconds = 5): Promise<void> {
    await this.client.ping();
    await until("no process is left", seconds, () => this.leftovers().length === 0);
    await until("every child is reaped", seconds, () => this.children().length === 0);
    await until(`${this.#idleDescriptors} descriptors as when idle`, seconds, () => this.descriptors() === this.#idleDescriptors);
  }

  /** Asks it to end, and awaits that it does so cleanly. */
  async stop(): Promise<void> {
    try {
      this.kill("SIGTERM");
      await until("the agent exits after SIGTERM", 10, () => this.exitCode !== null);
      if (this.exitCode !== 0) throw new Error(`the agent exited with ${this.exitCode}: ${this.stderr}`);
    } finally {
      await this.dispose();
    }
  }
}
