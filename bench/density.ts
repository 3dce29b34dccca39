// Many agents on one machine: memory, time to start, latency; started by run.sh, which builds what this needs.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Options } from "./options.ts";
import { median, table, verdict } from "./report.ts";
import { machine, writePart } from "./results.ts";
import { NATIVE } from "./server.ts";

const USAGE = `usage: bench/run.sh density [--quick] [--rounds N] [--counts N,...]

  --quick    one round; prints only, and writes to build/bench/
  --counts   how many agents (200,1000)`;

const COUNTS = ["200", "1000"];
const ROUNDS = 5;
/** An idle agent gives memory back half a second after its last connection. */
const SETTLE_MS = 3000;
const LATENCY_ROUNDS = 3;
/** The one promise: this many agents in this much memory. */
const PROMISED = { count: 1000, megabytes: 250 };

const PROGRAMS = ["floor", "mote"] as const;
type Program = (typeof PROGRAMS)[number];

const COMMANDS: Readonly<Record<Program, readonly string[]>> = {
  floor: ["build/bench/floor-pair", "@"],
  mote: [NATIVE, "--listen", "unix:@"],
};

/** What one round came to. */
interface Measured {
  readonly startMs: number;
  /** Of all processes: Pss of smaps_rollup and the page tables, which it leaves out; kB of 1,024 bytes. */
  readonly pss: number;
  readonly pssAnonymous: number;
  readonly pageTables: number;
  readonly processes: number;
  /** The first ping of each after the rest. */
  readonly coldMedian: number;
  readonly coldP99: number;
  readonly median: number;
  readonly p99: number;
}

type Field = keyof Measured;

/** The client that starts many servers and pings them. */
class Swarm {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  constructor(folder: string, count: number, program: Program) {
    this.#child = Bun.spawn(["build/bench/swarm", folder, String(count), ...COMMANDS[program]], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = linesOf(this.#child.stdout);
  }

  /** The next number lines: once all servers have answered, and for each `ping`. */
  async next(): Promise<ReadonlyMap<string, number>> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("the swarm failed");
    const printed: Record<string, number> = JSON.parse(line.value);
    return new Map(Object.entries(printed));
  }

  /** Each server once, in turn. */
  async ping(): Promise<ReadonlyMap<string, number>> {
    this.#child.stdin.write("ping\n");
    await this.#child.stdin.flush();
    return await this.next();
  }

  /** Every process of the servers. */
  get pids(): number[] {
    return descendants(this.#child.pid);
  }

  async end(): Promise<void> {
    await this.#child.stdin.end();
    await this.#child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter((word) => word !== "");
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}

function kilobytes(path: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(path, "utf8"))?.[1];
  if (found === undefined) throw new Error(`no ${field} in ${path}`);
  return Number(found);
}

function total(pids: readonly number[], file: string, field: string): number {
  return pids.reduce((sum, pid) => sum + kilobytes(`/proc/${pid}/${file}`, field), 0);
}

async function measureOnce(folder: string, count: number, program: Program): Promise<Measured> {
  mkdirSync(folder);
  const swarm = new Swarm(folder, count, program);
  try {
    const started = await swarm.next();
    await Bun.sleep(SETTLE_MS);
    const pids = swarm.pids;
    if (pids.length !== 2 * count) throw new Error(`${program}: ${pids.length} processes of ${count} servers`);
    const pss = total(pids, "smaps_rollup", "Pss");
    const pssAnonymous = total(pids, "smaps_rollup", "Pss_Anon");
    const pageTables = total(pids, "status", "VmPTE");
    const cold = await swarm.ping();
    const warm: ReadonlyMap<string, number>[] = [];
    for (let i = 0; i < LATENCY_ROUNDS; i++) warm.push(await swarm.ping());
    const number = (from: ReadonlyMap<string, number>, key: string): number => from.get(key) ?? NaN;
    return {
      startMs: number(started, "start_ms"),
      pss,
      pssAnonymous,
      pageTables,
      processes: pids.length,
      coldMedian: number(cold, "median_us"),
      coldP99: number(cold, "p99_us"),
      median: median(warm.map((one) => number(one, "median_us"))),
      p99: median(warm.map((one) => number(one, "p99_us"))),
    };
  } finally {
    await swarm.end();
    rmSync(folder, { recursive: true });
  }
}

interface Row {
  readonly text: string;
  readonly digits: number;
  value(measured: Measured, count: number): number;
}

const field = (text: string, digits: number, name: Field, per: (value: number, count: number) => number): Row => ({
  text,
  digits,
  value: (measured, count) => per(measured[name], count),
});
const megabytes = (value: number): number => (value * 1024) / 1e6;
const each = (value: number, count: number): number => value / count;
const whole = (value: number): number => value;

const ROWS: readonly Row[] = [
  field("total PSS, MB", 1, "pss", megabytes),
  field("PSS of one, kB", 1, "pss", each),
  field("of it anonymous, kB", 1, "pssAnonymous", each),
  field("page tables of one, kB", 1, "pageTables", each),
  field("all started and answered, ms", 0, "startMs", whole),
  field("of one, ms", 2, "startMs", each),
  field("first ping after rest, median, us", 0, "coldMedian", whole),
  field("first ping after rest, 99th percentile, us", 0, "coldP99", whole),
  field("ping, median, us", 0, "median", whole),
  field("ping, 99th percentile, us", 0, "p99", whole),
];

const options = Options.parse(USAGE, "rounds", "counts");
const rounds = options.rounds(ROUNDS, 1);
const counts = (options.list("counts") ?? COUNTS).map(Number);

const folder = mkdtempSync("/dev/shm/mote-density-");
const progress = (text: string): void => console.log(`  ${text}`);
try {
  const host = machine();
  console.log(host);
  const measured = new Map<string, Measured[]>();
  for (const count of counts) {
    for (let round = 1; round <= rounds; round++) {
      for (const program of PROGRAMS) {
        const one = await measureOnce(`${folder}/${program}`, count, program);
        const key = `${count} ${program}`;
        measured.set(key, [...(measured.get(key) ?? []), one]);
        const pss = `${megabytes(one.pss).toFixed(1)} MB PSS in ${one.processes} processes`;
        progress(`${count} ${program}, round ${round} of ${rounds}: started in ${one.startMs.toFixed(0)} ms, ${pss}`);
      }
    }
  }
  const valuesOf = (row: Row, count: number, program: Program): number[] =>
    (measured.get(`${count} ${program}`) ?? []).map((one) => row.value(one, count));
  const columns = counts.flatMap((count) => PROGRAMS.map((program) => ({ count, program })));
  const lines = ROWS.map((row) => [
    row.text,
    ...columns.map(({ count, program }) => median(valuesOf(row, count, program)).toFixed(row.digits)),
  ]);
  const head = ["", ...columns.map(({ count, program }) => `${count.toLocaleString("en-US")} ${program}`)];
  const paragraphs = [`${host}.`, describe(rounds), table([head, ...lines])];
  const [pssRow] = ROWS;
  if (pssRow !== undefined && counts.includes(PROMISED.count)) {
    const all = valuesOf(pssRow, PROMISED.count, "mote");
    const most = Math.max(...all);
    const range = `${Math.min(...all).toFixed(1)} to ${most.toFixed(1)} MB`;
    const count = PROMISED.count.toLocaleString("en-US");
    paragraphs.push(`${count} agents: ${range}; target at most ${PROMISED.megabytes} MB: ${verdict(most, { most: PROMISED.megabytes })}.`);
  }
  console.log(`\n${paragraphs.join("\n\n")}`);
  const path = options.path("density", "counts");
  await writePart(path, "Density", paragraphs);
  console.log(`written: ${path}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function describe(rounds: number): string {
  return (
    `Written by \`bench/run.sh density\`; medians of ${rounds} interleaved rounds. Each agent is a supervisor and a ` +
    "worker, as it starts by default; the floor is a C program that listens and sleeps, and its forked child that answers. " +
    `Memory is read ${SETTLE_MS / 1000} s after the last of them has answered its first ping; kB are of 1,024 bytes, ` +
    "MB of 1,000,000."
  );
}
