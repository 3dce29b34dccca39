// An agent beside floors and other servers of the same protocol, each on a port of its own: rows of interleaved rounds.

import { median, spread, verdict } from "./report.ts";
import type { Target } from "./rounds.ts";
import { answers, pinned, Server } from "./server.ts";

const FIRST_PORT = 21_000;
/** One CPU for both sides: what is counted is work, and numbers repeat. */
export const CPU = "1";

let port = FIRST_PORT;

/** A program that listens on a port of its own. */
export interface Program {
  readonly name: string;
  readonly port: number;
  readonly server: Server | null;
}

/** Starts a program with the command line that `make` has for a port, and waits until it listens. */
export async function listening(name: string, make: (port: number) => string[]): Promise<Program> {
  const own = port++;
  const server = await Server.start(pinned(CPU, make(own)), null);
  await answers("127.0.0.1", own);
  return { name, port: own, server };
}

/** Runs a measuring client to its end. Returns the number of a key in what it prints. Throws what it says when it fails. */
export function measured(key: RegExp, ...command: string[]): number {
  const ran = Bun.spawnSync(pinned(CPU, command));
  if (ran.exitCode !== 0) throw new Error(`${command.join(" ")}: ${ran.stderr.toString().trim()}`);
  const found = key.exec(ran.stdout.toString())?.[1];
  if (found === undefined) throw new Error(`no figure: ${ran.stdout.toString()}`);
  return Number(found);
}

export interface Row {
  readonly name: string;
  readonly text: string;
  readonly unit: string;
  readonly target: Target;
  /** Programs beside the agent, the floor first; then how one is measured. The agent is called `mote`. */
  start(): Promise<Program[]>;
  measure(one: Program): number;
  /** Another target, beside the second of the programs. */
  readonly besides?: Target;
}

function inWords(target: Target): string {
  if (target.most !== undefined) return `<= ${target.most}`;
  return target.least !== undefined ? `>= ${target.least}` : "";
}

export const HEADS = ["", "unit", "beside", "its figure", "mote", "mote / it", "target", ""];

/** Measures rows, prints them, and clears up behind each. Returns the lines of a table under HEADS. */
export async function measureRows(rows: readonly Row[], rounds: number, clearUp: () => void): Promise<string[][]> {
  const lines: string[][] = [];
  for (const row of rows) {
    try {
      lines.push(...(await measureRow(row, rounds)));
    } finally {
      clearUp();
    }
    console.log(lines.at(-1)?.join("  "));
  }
  return lines;
}

/** A line for each program beside the agent. */
async function measureRow(row: Row, rounds: number): Promise<string[][]> {
  const programs = await row.start();
  const figures = new Map<string, number[]>(programs.map((one) => [one.name, []]));
  try {
    // The first round warms all alike and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const one of programs) {
        const value = row.measure(one);
        if (round > 0) figures.get(one.name)?.push(value);
      }
    }
  } finally {
    for (const one of programs) await one.server?.stop();
  }
  const own = figures.get("mote") ?? [];
  return programs
    .filter((one) => one.name !== "mote")
    .map((one, index) => {
      const others = figures.get(one.name) ?? [];
      const ratios = own.map((value, i) => value / (others[i] ?? NaN));
      const target = index === 0 ? row.target : (row.besides ?? {});
      return [
        row.text, row.unit, one.name, median(others).toFixed(0), median(own).toFixed(0), spread(ratios, 2),
        inWords(target), inWords(target) === "" ? "" : verdict(median(ratios), target),
      ];
    });
}
