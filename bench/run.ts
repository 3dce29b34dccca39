// Measures the agent beside its C floors; started by run.sh, which builds what this needs.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { memoryChart } from "./chart.ts";
import { measureMemory, type Load } from "./memory.ts";
import { Options } from "./options.ts";
import { memoryTable, ratioTable } from "./report.ts";
import { machine, writePart } from "./results.ts";
import { CASES, type Dose, measureRounds, type Placement } from "./rounds.ts";
import { BUN, HOSTS, NATIVE } from "./server.ts";

const USAGE = `usage: bench/run.sh [--quick] [--rounds N] [--only CASE,...] [--hosts native,bun]
                    [--cpus one|two|both] [--load PINGS,RUNS,MEGABYTES]

  --quick   a short dose on one CPU; prints only, and writes to build/bench/
  --only    start, ping, run, upload, download, memory (all)
  --cpus    client and server on one CPU, on one each, or first this and then that (both)
  --load    what is done before memory is read again (100000,1000,1000)`;

const FULL: Dose = { rounds: 9, pings: 5000, runs: 200, starts: 50, bytes: 1_000_000_000 };
const QUICK: Dose = { rounds: 3, pings: 1000, runs: 50, starts: 20, bytes: 100_000_000 };
const FULL_LOAD = "100000,1000,1000";
const QUICK_LOAD = "10000,100,100";
const STREAM_PINGS = 200;

function parseLoad(text: string): Load {
  const [pings, runs, megabytes] = text.split(",").map(Number);
  if (pings === undefined || runs === undefined || megabytes === undefined) throw new Error(USAGE);
  return { pings, runs, bytes: megabytes * 1_000_000, streamPings: STREAM_PINGS };
}

function fileKilobytes(path: string): number {
  return statSync(path).size / 1024;
}

/** Server on the last CPU this process may use: interrupts tend to be served by the first. */
function placementsFor(cpus: string): [string, Placement][] {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const allowed = list.split(/[-,]/);
  const server = allowed.at(-1) ?? "0";
  const client = allowed[0] ?? "0";
  const placements: [string, Placement][] = [];
  if (cpus !== "two") placements.push(["Client and server on one CPU", { client: server, server }]);
  if (cpus !== "one" && client !== server) placements.push(["Client and server on a CPU each", { client, server }]);
  return placements;
}

const options = Options.parse(USAGE, "rounds", "only", "hosts", "cpus", "load");
const dose = options.dose(FULL, QUICK);
const load = parseLoad(options.get("load") ?? (options.isQuick ? QUICK_LOAD : FULL_LOAD));
const names = options.list("only") ?? [...CASES.map((one) => one.name), "memory"];
const chosen = options.list("hosts");
const hosts = HOSTS.filter((host) => host === "floor" || chosen === undefined || chosen.includes(host));
const output = options.folder("only", "hosts");
const placements = placementsFor(options.get("cpus") ?? (options.isQuick ? "one" : "both"));

const folder = mkdtempSync("/dev/shm/mote-bench-");
try {
  const host = machine();
  const sections = [
    `${host}.`,
    "Written by `bench/run.sh`; `bench/README.md` says what each row is.",
  ];
  const add = (text: string): void => {
    sections.push(text);
    console.log(`\n${text}`);
  };
  console.log(host);

  if (names.includes("memory")) {
    const footprints = await measureMemory(hosts, load, folder);
    const sizes = new Map([
      ["floor", fileKilobytes("build/bench/floor-asleep")],
      ...(hosts.includes("native") ? ([["native", fileKilobytes(NATIVE)]] as const) : []),
      ["bun", fileKilobytes(BUN)],
    ]);
    const megabytes = (load.bytes / 1e6).toLocaleString("en-US");
    add("## Memory and size, kB");
    add(
      `The load: ${load.pings.toLocaleString("en-US")} pings, ${load.runs.toLocaleString("en-US")} runs, ` +
        `${megabytes} MB up, ${megabytes} MB down; read 2 s later.`,
    );
    add(memoryTable(footprints, sizes).trimEnd());
    await Bun.write(`${output}/memory.svg`, memoryChart(footprints, host));
  }
  for (const [title, placement] of placements) {
    const rows = await measureRounds(hosts, names, dose, placement, folder);
    if (rows.length === 0) continue;
    add(`## ${title}`);
    add(`${dose.rounds} interleaved rounds; medians, and ratios as median (lowest..highest) of the rounds.`);
    add(ratioTable(rows, hosts).trimEnd());
  }
  await writePart(`${output}/results.md`, "Benchmark results", sections);
  console.log(`\nwritten: ${output}/results.md${names.includes("memory") ? `, ${output}/memory.svg` : ""}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
