// How long a guest takes from its kernel's start to an answer; started by run.sh, which makes what this needs.

import { Guest, type GuestOptions } from "../test/guest/guest.ts";
import { countingInstructions, type System, systems, telling } from "./boot/systems.ts";
import { Options } from "./options.ts";
import { median, spread, table, verdict } from "./report.ts";
import { machine, writePart } from "./results.ts";

const USAGE = `usage: bench/run.sh boot [--quick] [--rounds N] [--only ready|milestones]

  --quick    a round or two; prints only, and writes to build/bench/
  --only     the time from PID 1's start to a listener, or the milestones of whole systems`;

const ROUNDS = 9;
const QUICK_ROUNDS = 2;
const PROMISED_MS = 50;
const PROMISED_RATIO = 2;

const KINDS = ["floor", "agent"] as const;
type Kind = (typeof KINDS)[number];

const progress = (text: string): void => console.log(`  ${text}`);

/** Boots a guest, waits for a line on its console, and returns the lines so far. */
async function linesUpTo(options: GuestOptions, last: RegExp): Promise<readonly string[]> {
  const guest = Guest.boot(options);
  try {
    await guest.console.line(last);
    return guest.console.lines;
  } finally {
    await guest.dispose();
  }
}

/** Milliseconds from the kernel's line about the first program to the line about a listener, by the kernel's clock. */
async function timeToListening(kind: Kind, extra: readonly string[]): Promise<number> {
  const lines = await linesUpTo(telling(kind, extra), /^BENCH end/);
  const at = (text: string): number => {
    const line = lines.find((candidate) => candidate.startsWith("BENCH") && candidate.includes(text));
    if (line === undefined) throw new Error(`${kind}: nothing in the log about ${text}:\n${lines.join("\n")}`);
    return Number(line.split(" ")[1]) / 1000;
  };
  return at("listening on") - at("as init process");
}

async function measureReady(rounds: number): Promise<string[]> {
  const times: Record<Kind, number[]> = { floor: [], agent: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const kind of KINDS) times[kind].push(await timeToListening(kind, []));
    const [floor, agent] = KINDS.map((kind) => (times[kind].at(-1) ?? NaN).toFixed(1));
    progress(`PID 1 to listening, round ${round} of ${rounds}: floor ${floor} ms, agent ${agent} ms`);
  }
  const counted: Record<Kind, number> = { floor: NaN, agent: NaN };
  for (const kind of KINDS) counted[kind] = await timeToListening(kind, countingInstructions);
  progress(`instructions, millions: floor ${counted.floor.toFixed(3)}, agent ${counted.agent.toFixed(3)}`);
  const ratios = times.agent.map((value, round) => value / (times.floor[round] ?? NaN));
  const [time, ratio] = [median(times.agent), median(ratios)];
  const lines = [
    ["guest time, ms", spread(times.floor, 1), spread(times.agent, 1), `<= ${PROMISED_MS}`, verdict(time, { most: PROMISED_MS })],
    ["agent / floor", "", spread(ratios, 2), `<= ${PROMISED_RATIO}`, verdict(ratio, { most: PROMISED_RATIO })],
    ["million instructions", counted.floor.toFixed(2), counted.agent.toFixed(2), "", ""],
  ];
  return [
    "## From PID 1's start to listening",
    `${rounds} interleaved boots of each; median (lowest..highest). No modules to load, no program but the first. ` +
      "From the kernel's line `Run /init as init process` to the line about the listener, both stamped by the " +
      "kernel as they are written to its log, which is read when all is over. The floor is a C program that " +
      "mounts /proc, listens and says so (`boot/init.c`). Most of either time is the emulator's, translating code " +
      "that runs for the first time: the last line is one boot of each by a clock that counts instructions, and " +
      "repeats within a few percent.",
    table([["", "floor", "agent as PID 1", "target", ""], ...lines]),
  ];
}

/** Milliseconds since the kernel's start: PID 1 executed, something listens, a ping is answered, a run is answered. */
interface Milestones {
  readonly begun: number;
  readonly listening: number;
  readonly answered: number;
  readonly ran: number;
  /** What the run was answered with. */
  readonly reply: string;
}

async function milestonesOf(system: System): Promise<Milestones> {
  const lines = await linesUpTo(system.options, /^PROBE /);
  const words = /^PROBE (\d+) (\d+) (\d+) (\d+) pong (.*)$/.exec(lines.find((line) => line.startsWith("PROBE")) ?? "");
  if (words === null) throw new Error(`${system.name}: no answer:\n${lines.join("\n")}`);
  const times = words.slice(1, 5).map((word) => Number(word) / 1000);
  const [begun = NaN, listening = NaN, answered = NaN, ran = NaN] = times;
  return { begun, listening, answered, ran, reply: words[5] ?? "" };
}

async function measureMilestones(rounds: number): Promise<string[]> {
  const all = systems();
  const measured = new Map<string, Milestones[]>(all.map((one) => [one.name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const one of all) {
      const list = measured.get(one.name) ?? [];
      if (list.length >= Math.ceil(rounds * one.share)) continue;
      const found = await milestonesOf(one);
      list.push(found);
      const times = [found.begun, found.listening, found.answered, found.ran];
      const [begun, listening, answered, ran] = times.map(Math.round);
      const later = `listening at ${listening}, ping answered at ${answered}, run at ${ran}: ${found.reply}`;
      progress(`${one.name}, boot ${list.length}: PID 1 at ${begun} ms, ${later}`);
    }
  }
  const lines = all.map((one) => {
    const list = measured.get(one.name) ?? [];
    const of = (value: (found: Milestones) => number): string => median(list.map(value)).toFixed(0);
    return [
      one.name,
      one.size,
      String(list.length),
      of((found) => found.begun),
      of((found) => found.listening),
      of((found) => found.answered),
      of((found) => found.ran),
      of((found) => found.answered - found.begun),
      of((found) => found.ran - found.begun),
    ];
  });
  const head = ["system", "image", "boots", "PID 1", "listening", "ping", "run", "PID 1 to ping", "PID 1 to run"];
  return [
    "## Milestones of whole systems",
    "Guest uptime in ms when the first program is executed, something listens, the first ping is answered and " +
      "the first `run`; medians of interleaved boots, all in one machine: QEMU's `pc` without KVM, one CPU, 512 " +
      "MB, a virtio disk and network, `loglevel=1`. Who asks is a child of the first program and asks over " +
      "loopback every 5 ms (`boot/probe.c`). Where an agent is alone there is no shell, so its `run` is answered " +
      "with `spawn failed`. Alone means: with the C program that listens and answers everything with one frame. " +
      "Debian's virtio modules are loaded, and its disk is mounted, by a busybox script before systemd; the time " +
      "of that is in its later milestones. Up to PID 1 it is the kernel's time, which differs by 100 ms and more " +
      "from boot to boot of the same system: compare what follows it.",
    table([head, ...lines]),
  ];
}

const options = Options.parse(USAGE, "rounds", "only");
const rounds = options.rounds(ROUNDS, QUICK_ROUNDS);
const host = machine();
const qemu = Bun.spawnSync(["qemu-system-x86_64", "--version"]).stdout.toString().split("\n")[0] ?? "";
console.log(`${host}; ${qemu}`);
const paragraphs = [`${host}; ${qemu}.`, "Written by `bench/run.sh boot`."];
if (options.wants("ready")) paragraphs.push(...(await measureReady(rounds)));
if (options.wants("milestones")) paragraphs.push(...(await measureMilestones(rounds)));
console.log(`\n${paragraphs.join("\n\n")}`);
const path = options.path("boot", "only");
await writePart(path, "Boot", paragraphs);
console.log(`written: ${path}`);
