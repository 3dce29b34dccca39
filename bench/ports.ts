// Forwarded ports beside a relay in C and beside socat; started by run.sh in a network namespace whose table of connections
// is as large as that of a guest with 1 GB of memory.

import { cpuSeconds, wakeUps } from "../test/proc.ts";
import { CPU } from "./beside.ts";
import { Options } from "./options.ts";
import { median, spread, table, verdict } from "./report.ts";
import { machine, writePart } from "./results.ts";
import { answers, NATIVE, pinned, Server } from "./server.ts";

const USAGE = `usage: bench/run.sh ports [--quick] [--rounds N]

  --quick   a short dose; prints, and writes to build/bench/`;

const FULL = { rounds: 9, bytes: 2_000_000_000, inits: 4000, seconds: 60 };
const QUICK = { rounds: 3, bytes: 500_000_000, inits: 1000, seconds: 10 };
const options = Options.parse(USAGE, "rounds");
const dose = options.dose(FULL, QUICK);

const GUEST = "169.254.0.21";
const AGENT_PORT = 9000;
const SERVER_PORT = 8000;
const FIRST_KEEPER = 8001;
const KEEPERS = 4;
const RELAYS = 1000;
const SOCKETS = 20;
const ESTABLISHED = 20_000;
const SETTLE_MS = 3000;
const ends = (...args: (string | number)[]): string[] => ["build/bench/ends", ...args.map(String)];

const agent = (isForwarding: boolean): string[] =>
  [NATIVE, "--no-supervise", "--envd", `tcp:127.0.0.1:${AGENT_PORT}`, "--isnotfc", `--forward=${isForwarding ? "on" : "off"}`];

/** Starts a program for the time that `body` takes, until when it is there. */
async function beside<T>(command: string[], host: string, port: number, body: (server: Server) => Promise<T>): Promise<T> {
  const server = await Server.start(pinned(CPU, command), null);
  try {
    await answers(host, port);
    return await body(server);
  } finally {
    await server.stop();
  }
}

function run(args: string[]): string {
  const ran = Bun.spawnSync(pinned(CPU, args));
  if (ran.exitCode !== 0) throw new Error(`${args.join(" ")}: ${ran.stderr.toString().trim()}`);
  return ran.stdout.toString();
}

const speed = (what: string): number => Number(/"mb_s":([0-9.]+)/.exec(run(ends(what, GUEST, SERVER_PORT, dose.bytes)))?.[1]);

const relays: [string, string[]][] = [
  ["floor", ["build/bench/floor-relay", GUEST, String(SERVER_PORT), String(SERVER_PORT)]],
  ["socat", ["socat", `TCP4-LISTEN:${SERVER_PORT},bind=${GUEST},reuseaddr,fork`, `TCP4:localhost:${SERVER_PORT}`]],
  ["mote", agent(true)],
];

/** Megabytes a second through each relay; they take turns at the one address. */
async function measureSpeed(what: string): Promise<Map<string, number[]>> {
  const figures = new Map<string, number[]>(relays.map(([name]) => [name, []]));
  for (let round = 0; round < dose.rounds; round++) {
    for (const [name, command] of relays) {
      await beside(command, GUEST, SERVER_PORT, async () => {
        speed(what); // warms up
        figures.get(name)?.push(speed(what));
      });
    }
  }
  return figures;
}

function ratio(figures: Map<string, number[]>, besides: string, least: number): string[] {
  const mote = figures.get("mote") ?? [];
  const others = figures.get(besides) ?? [];
  const ratios = mote.map((value, round) => value / (others[round] ?? NaN));
  const figure = [besides, median(others).toFixed(0), median(mote).toFixed(0), spread(ratios, 2)];
  return [...figure, `>= ${least}`, verdict(median(ratios), { least })];
}

/** Microseconds of CPU of a POST /init, behind which the agent looks at what listens where it forwards. */
async function initCost(isForwarding: boolean): Promise<number> {
  return beside(agent(isForwarding), "127.0.0.1", AGENT_PORT, async (server) => {
    run(ends("init", AGENT_PORT, 500));
    const before = cpuSeconds(server.pid);
    run(ends("init", AGENT_PORT, dose.inits));
    return ((cpuSeconds(server.pid) - before) * 1e6) / dose.inits;
  });
}

async function holding<T>(commands: string[][], body: () => Promise<T>): Promise<T> {
  const held: Bun.Subprocess<"pipe", "pipe", "inherit">[] = [];
  try {
    for (const command of commands) {
      const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
      held.push(child);
      if ((await child.stdout.getReader().read()).done) throw new Error(`ended: ${command.join(" ")}`);
    }
    return await body();
  } finally {
    for (const child of held) child.kill("SIGKILL");
    for (const child of held) await child.exited;
  }
}

async function lookCost(): Promise<number> {
  const off: number[] = [];
  const on: number[] = [];
  for (let round = 0; round < 3; round++) {
    off.push(await initCost(false));
    on.push(await initCost(true));
  }
  return median(on) - median(off);
}

/** A row: what, figure, target, verdict. */
const atMost = (what: string, value: number, unit: string, most: number): string[] =>
  [what, `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`, `<= ${most}`, verdict(value, { most })];

const paragraphs = [
  `${machine()}.`,
  `Written by \`bench/run.sh ports\`; medians of ${dose.rounds} interleaved rounds, client, relay and server on one CPU; ${dose.bytes / 1e6} MB each.`,
];
const speeds: string[][] = [];
const costs: string[][] = [];
const servers = Array.from({ length: KEEPERS }, (_, index) => ends("keep", FIRST_KEEPER + index));

await beside(ends("serve", SERVER_PORT), "127.0.0.1", SERVER_PORT, async () => {
  for (const what of ["down", "up"]) {
    const figures = await measureSpeed(what);
    for (const [besides, least] of [["floor", 0.9], ["socat", 1.5]] as const) speeds.push([what, ...ratio(figures, besides, least)]);
  }
});
paragraphs.push(table([["MB/s", "beside", "its figure", "mote", "mote / it", "target", ""], ...speeds]));

const keepers = await Promise.all(servers.map((command) => Server.start(command, null)));
await beside(agent(true), GUEST, FIRST_KEEPER + KEEPERS - 1, async (server) => {
  await Bun.sleep(SETTLE_MS);
  const before = server.memory().rss;
  const clients = keepers.map((_, index) => ends("hold", GUEST, FIRST_KEEPER + index, RELAYS / KEEPERS));
  await holding(clients, async () => {
    await Bun.sleep(SETTLE_MS);
    costs.push(atMost(`resident with ${RELAYS} idle relays, over ${before} kB without`, server.memory().rss - before, "kB", 2048));
  });
});
for (const keeper of keepers) await keeper.stop();

// Half of them at loopback, with a listener of the agent's for each.
const others = ends("serve", SERVER_PORT, SERVER_PORT + 1, SOCKETS / 2 - 2);
await beside(others, "127.0.0.1", SERVER_PORT, async () => {
  costs.push(atMost(`a look at ${SOCKETS} sockets, CPU`, await lookCost(), "us", 50));
  await holding(Array.from({ length: 10 }, () => ends("pair", ESTABLISHED / 20)), async () => {
    costs.push(atMost(`the same beside ${ESTABLISHED.toLocaleString("en-US")} that are connected`, await lookCost(), "us", 5000));
  });
  await beside(agent(true), GUEST, SERVER_PORT, async (server) => {
    await Bun.sleep(SETTLE_MS);
    const time = cpuSeconds(server.pid);
    const count = wakeUps(server.pid);
    await Bun.sleep(dose.seconds * 1000);
    costs.push(
      atMost(`idle for ${dose.seconds} s, resident`, server.memory().rss, "kB", 400),
      atMost("share of one CPU, per cent", ((cpuSeconds(server.pid) - time) * 100) / dose.seconds, "%", 0.1),
      atMost("wake-ups a second", (wakeUps(server.pid) - count) / dose.seconds, "", 2),
    );
  });
});
paragraphs.push(table([["", "mote", "target", ""], ...costs]));
console.log(`\n${paragraphs.join("\n\n")}`);
await writePart(options.path("ports"), "Ports", paragraphs);
