// How long a guest that was saved and goes on in another machine takes to its first answer; started by run.sh, which makes
// what this needs.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { milliseconds, wrennDisk, WrennGuest } from "../test/guest/wrenn.ts";
import { RawClient } from "../test/http/raw.ts";
import { remove, scratchDirectory } from "../test/scratch.ts";
import { Options } from "./options.ts";
import { median, spread, table, verdict } from "./report.ts";
import { machine, writePart } from "./results.ts";

const USAGE = `usage: bench/run.sh restore [--quick] [--rounds N]

  --quick    two rounds; prints only, and writes to build/bench/`;

const ROUNDS = 9;
const QUICK_ROUNDS = 2;
const PROMISED_MS = 100;

const options = Options.parse(USAGE, "rounds");
const rounds = options.rounds(ROUNDS, QUICK_ROUNDS);
const directory = scratchDirectory();
const disk = wrennDisk(directory);
const saved = join(directory, "saved");
// In the log alone, not on the console: there each letter costs time.
const parameters = ["mote.loglevel=debug"];

/** Saves a guest that says every 10 ms that it is there. Returns when it has last said so. */
async function save(): Promise<number> {
  const host = await WrennGuest.boot(disk, undefined, parameters);
  try {
    await host.ready();
    const load = await host.client.sh("while :; do echo tick >/dev/kmsg; usleep 10000; done", { user: "root" });
    await load.started();
    await host.guest.console.line(/tick/);
    await host.status("POST", "/snapshot/prepare");
    await host.guest.save(saved);
    load.close();
  } finally {
    await host.guest.dispose();
  }
  copyFileSync(disk, `${disk}.saved`);
  return milliseconds(host.guest.console.matching(/^\[.*\] tick$/).at(-1) ?? "");
}

interface Times {
  readonly taken: number;
  readonly answered: number;
}

async function measure(start: number): Promise<Times> {
  copyFileSync(`${disk}.saved`, disk);
  const host = await WrennGuest.boot(disk, saved, parameters);
  try {
    await host.guest.loaded();
    const health = await RawClient.connect(host.port);
    await health.get("/health");
    await host.guest.goOn();
    await health.response();
    const log = (await host.output("dmesg")).split("\n");
    const last = (text: RegExp): number => milliseconds(log.findLast((line) => text.test(line)) ?? "");
    health.abort();
    return { taken: last(/mote: connection \d+: GET \/health/) - start, answered: last(/mote: the preparation for a snapshot is over/) - start };
  } finally {
    await host.guest.dispose();
  }
}

try {
  const times: Times[] = [];
  const start = await save();
  for (let round = 1; round <= rounds; round++) {
    const one = await measure(start);
    times.push(one);
    console.log(`  round ${round} of ${rounds}: taken after ${one.taken.toFixed(1)} ms, answered after ${one.answered.toFixed(1)} ms`);
  }
  const answered = times.map((one) => one.answered);
  const paragraphs = [
    `${machine()}; ${Bun.spawnSync(["qemu-system-x86_64", "--version"]).stdout.toString().split("\n")[0] ?? ""}.`,
    "Written by `bench/run.sh restore`.",
    `A guest of profile wrenn on QEMU's \`microvm\` without KVM, its clock counting instructions, is prepared, saved once, ` +
      `and goes on ${rounds} times from the one file. Guest milliseconds, median (lowest..highest), from the last sign of life ` +
      "before it was stopped, at most 15 ms earlier, to `GET /health` being taken, and to its answer, behind the recovery: " +
      "connections reset, random numbers, neighbours, clock. The request waits when the guest goes on.",
    table([
      ["", "guest ms", "target", ""],
      ["request taken", spread(times.map((one) => one.taken), 1), "", ""],
      ["recovery", spread(times.map((one) => one.answered - one.taken), 1), "", ""],
      ["first answer", spread(answered, 1), `<= ${PROMISED_MS}`, verdict(median(answered), { most: PROMISED_MS })],
    ]),
  ];
  console.log(`\n${paragraphs.join("\n\n")}`);
  const path = options.path("restore");
  await writePart(path, "Restore", paragraphs);
  console.log(`written: ${path}`);
} finally {
  remove(directory);
}
