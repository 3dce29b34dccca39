// The builds of the agent that the suites run against. MOTE_HOST chooses; the semantics asked of
// each are the same, only amounts of data and numbers of rounds differ.

import { join } from "node:path";

interface Scale {
  /** Bytes of the large file that goes up and down. */
  readonly file: number;
  /** Bytes of the largest transfers over HTTP. */
  readonly transfer: number;
  /** Bytes of the large command output. */
  readonly output: number;
  /** One-line writes of one command. */
  readonly lines: number;
  /** Short commands run in a row. */
  readonly runs: number;
  /** Clients killed at random points, per operation. */
  readonly kills: number;
  /** Bytes that resident memory may grow by under abuse. */
  readonly growth: number;
}

export interface Host {
  readonly name: string;
  readonly command: readonly string[];
  readonly scale: Scale;
  /** How many times as long as usual is waited before a test has failed: an emulator on a busy machine is slow. */
  readonly patience: number;
}

const root = join(import.meta.dir, "..");
const MB = 1_000_000;

const hosts: readonly Host[] = [
  {
    name: "bun",
    command: [process.execPath, join(root, "agent.ts")],
    scale: { file: 100 * MB, transfer: 500 * MB, output: 50 * MB, lines: 200_000, runs: 5000, kills: 100, growth: 96 * MB },
    patience: 2,
  },
  {
    name: "x86_64",
    command: [join(root, "dist/mote-x86_64")],
    scale: { file: 100 * MB, transfer: 2000 * MB, output: 50 * MB, lines: 200_000, runs: 5000, kills: 100, growth: 4 * MB },
    patience: 1,
  },
  {
    name: "aarch64",
    command: ["qemu-aarch64-static", join(root, "dist/mote-aarch64")],
    scale: { file: 20 * MB, transfer: 200 * MB, output: 10 * MB, lines: 40_000, runs: 2000, kills: 25, growth: 48 * MB },
    patience: 4,
  },
];

function chosen(): Host {
  const name = process.env.MOTE_HOST ?? "bun";
  const host = hosts.find((candidate) => candidate.name === name);
  if (host === undefined) {
    const names = hosts.map((candidate) => candidate.name).join(", ");
    throw new Error(`MOTE_HOST=${name}: choose one of ${names}.`);
  }
  const override = process.env.MOTE_COMMAND; // another agent to measure the suite itself against
  return override === undefined ? host : { ...host, command: override.split(" ") };
}

export const host: Host = chosen();
export const scale: Scale = host.scale;
