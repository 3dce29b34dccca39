// Processes and files over Connect beside C floors; started by run.sh, which builds what this needs.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { HEADS, listening, measured, measureRows, type Program, type Row } from "./beside.ts";
import { Options } from "./options.ts";
import { table } from "./report.ts";
import { machine, writePart } from "./results.ts";
import { NATIVE } from "./server.ts";

const USAGE = `usage: bench/run.sh rpc [--quick] [--rounds N] [--only ROW,...]

  --quick   a short dose; prints only, and writes to build/bench/
  --only    start, output, burst, list, watch (all)`;

interface Dose {
  readonly rounds: number;
  readonly starts: number;
  /** Bytes of one output. */
  readonly bytes: number;
  readonly processes: number;
}

const FULL: Dose = { rounds: 9, starts: 2000, bytes: 1_000_000_000, processes: 500 };
const QUICK: Dose = { rounds: 3, starts: 500, bytes: 200_000_000, processes: 100 };
const ENTRIES = 100_000;
const EVENTS = 10_000;
const BURST_BYTES = "1000000";

const options = Options.parse(USAGE, "rounds", "only");
const dose = options.dose(FULL, QUICK);
const folder = mkdtempSync("/dev/shm/mote-rpc-");

const mote = (own: number): string[] => [NATIVE, "--no-supervise", "--envd", `tcp:127.0.0.1:${own}`, "--isnotfc"];
const running = (...command: string[]) => (own: number): string[] => ["build/bench/floor-process", String(own), ...command];
const looking = (what: string, path: string) => (own: number): string[] => ["build/bench/floor-directory", String(own), what, path];

function client(one: Program, ...args: string[]): number {
  return measured(/"(?:median_us|mb_s|seconds)":([0-9.]+)/, "build/bench/rpc-client", String(one.port), ...args);
}

const CODECS = ["proto", "json"] as const;
const inWords = { proto: "binary", json: "JSON" };

function head(bytes: string): string[] {
  return ["/usr/bin/head", "-c", bytes, "/dev/zero"];
}

const ROWS: readonly Row[] = CODECS.flatMap((codec): Row[] => [
  {
    name: "start", text: `Start of /bin/true to its end, ${inWords[codec]}`, unit: "us", target: { most: 1.4 },
    start: async () => [await listening("floor", running("/bin/true")), await listening("mote", mote)],
    measure: (one) => client(one, "start", codec, String(dose.starts)),
  },
  {
    name: "output", text: `one output, ${inWords[codec]}`, unit: "MB/s", target: { least: codec === "proto" ? 0.6 : 0.25 },
    start: async () => [await listening("floor", running(...head(String(dose.bytes)))), await listening("mote", mote)],
    measure: (one) => client(one, "output", codec, "1", String(dose.bytes)),
  },
  {
    name: "burst", text: `${dose.processes} processes of 1 MB each at once, ${inWords[codec]}`, unit: "MB/s", target: {},
    start: async () => [await listening("floor", running(...head(BURST_BYTES))), await listening("mote", mote)],
    measure: (one) => client(one, "output", codec, String(dose.processes), BURST_BYTES),
  },
  {
    name: "list", text: `ListDir of ${ENTRIES.toLocaleString("en-US")} entries, ${inWords[codec]}`, unit: "ms", target: {},
    start: async () => {
      const path = `${folder}/list`;
      mkdirSync(path);
      for (let i = 0; i < ENTRIES; i++) writeFileSync(`${path}/file-${i}`, "");
      return [await listening("floor", looking("list", path)), await listening("mote", mote)];
    },
    measure: (one) => 1000 * client(one, "list", codec, `${folder}/list`),
  },
  {
    name: "watch", text: `${EVENTS.toLocaleString("en-US")} events of WatchDir, ${inWords[codec]}`, unit: "ms", target: {},
    start: async () => {
      mkdirSync(`${folder}/watch`);
      return [await listening("floor", looking("watch", `${folder}/watch`)), await listening("mote", mote)];
    },
    measure: (one) => {
      rmSync(`${folder}/watch`, { recursive: true });
      mkdirSync(`${folder}/watch`);
      return 1000 * client(one, "watch", codec, `${folder}/watch`, String(EVENTS));
    },
  },
]);

try {
  const paragraphs = [
    `${machine()}.`,
    `Written by \`bench/run.sh rpc\`; medians of ${dose.rounds} interleaved rounds over loopback, client and server on one CPU, files on tmpfs.`,
  ];
  const lines = await measureRows(ROWS.filter((row) => options.wants(row.name)), dose.rounds, () => {
    for (const name of ["list", "watch"]) rmSync(`${folder}/${name}`, { recursive: true, force: true });
  });
  paragraphs.push(table([HEADS, ...lines]));
  console.log(`\n${paragraphs.join("\n\n")}`);
  await writePart(options.path("rpc", "only"), "RPC", paragraphs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
