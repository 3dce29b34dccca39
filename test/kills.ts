// Workers killed one after the other: what that costs clients that make requests all the time, and how soon the next one comes.

import type { Client } from "./client.ts";
import { host } from "./host.ts";
import { trap } from "./machine-code.ts";
import { isAlive } from "./proc.ts";

/** How a worker is brought to its end. */
export type Kill = (pid: number) => void | Promise<void>;

const bySignal = (signal: NodeJS.Signals): Kill => (pid) => void process.kill(pid, signal);

/** All kinds of death. Bun has handlers of its own for most signals, which take their time; an emulator has code of its own. */
export const kinds: readonly Kill[] = {
  bun: [bySignal("SIGKILL")],
  x86_64: [bySignal("SIGSEGV"), bySignal("SIGABRT"), bySignal("SIGKILL"), trap],
  aarch64: [bySignal("SIGSEGV"), bySignal("SIGABRT"), bySignal("SIGKILL")],
}[host.name] ?? [];

/** Kills in a row: MOTE_KILLS for a long test. An emulator takes a tenth of a second and more to start a worker. */
export const rounds = Number(process.env.MOTE_KILLS ?? (host.name === "aarch64" ? 9 : 20));

/** Less than the longest pause before a worker, and more than the one before that; milliseconds. */
const NEARLY_LONGEST = 900;

/**
 * Has workers die until three in a row have come after the longest pause. `next` kills one and returns the pid of the one
 * that follows it. Returns the times that this took; milliseconds. How many there are is not told beforehand: a worker that
 * a busy machine has let live for ten times its pause was healthy, and the pauses begin anew.
 */
export async function pausesUpToTheLongest(worker: number, next: (worker: number) => Promise<number>): Promise<number[]> {
  const pauses: number[] = [];
  while (pauses.length < 3 || pauses.slice(-3).some((pause) => pause < NEARLY_LONGEST)) {
    const start = performance.now();
    worker = await next(worker);
    pauses.push(performance.now() - start);
  }
  return pauses;
}

/** A stretch of time, in milliseconds. */
interface Span {
  readonly start: number;
  readonly end: number;
}

function overlaps(a: Span, b: Span): boolean {
  return a.start <= b.end && b.start <= a.end;
}

/** Clients that make requests without a pause, two of each of two kinds. */
export class Load {
  answered = 0;
  refused = 0;
  /** What was answered falsely. */
  readonly wrong: string[] = [];
  /** Requests that were not answered. */
  readonly lost: Span[] = [];
  readonly #client: Client;
  #isOver = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Makes requests while `body` runs, and returns when the last is answered. */
  async during(body: () => Promise<void>): Promise<void> {
    const ping = (): Promise<void> => this.#client.ping();
    const clients = [ping, ping, () => this.#run(3), () => this.#run(4)].map((ask) => this.#go(ask));
    try {
      await body();
    } finally {
      this.#isOver = true;
      await Promise.all(clients);
    }
  }

  async #run(code: number): Promise<void> {
    const { object, text } = await this.#client.run(`exit ${code}`);
    if (object.exit_code !== code) this.wrong.push(text);
  }

  async #go(ask: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      const start = performance.now();
      try {
        await ask();
        this.answered++;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") this.refused++;
        this.lost.push({ start, end: performance.now() });
      }
    }
  }
}

/** What kills have cost. */
export interface Toll {
  readonly answered: number;
  readonly refused: number;
  readonly wrong: readonly string[];
  /** Requests that were under way when a worker died, and were not answered. */
  readonly cut: number;
  /** Requests that were not answered although no worker died meanwhile. */
  readonly lost: number;
  /** Milliseconds from each death to the next answer, in order of size. */
  readonly gaps: readonly number[];
}

/** Kills a worker `count` times under load, by all kinds of death in turn. `worker` tells the pid of the one that answers. */
export async function killWorkers(client: Client, count: number, worker: () => Promise<number>): Promise<Toll> {
  const deaths: Span[] = [];
  const gaps: number[] = [];
  const load = new Load(client);
  await load.during(async () => {
    for (let round = 0; round < count; round++) {
      const pid = await worker();
      const start = performance.now();
      await kinds[round % kinds.length]?.(pid);
      // Closer than a timer could.
      while (isAlive(pid)) await new Promise(setImmediate);
      const end = performance.now();
      deaths.push({ start, end });
      await client.ping();
      gaps.push(performance.now() - end);
      // A worker that lives a while was healthy: the next one comes without a pause.
      await Bun.sleep(110);
    }
  });
  const lost = load.lost.filter((request) => !deaths.some((death) => overlaps(death, request))).length;
  gaps.sort((a, b) => a - b);
  return { answered: load.answered, refused: load.refused, wrong: load.wrong, cut: load.lost.length - lost, lost, gaps };
}
