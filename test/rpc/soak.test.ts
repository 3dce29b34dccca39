// Many clients that do everything at once, for as long as MOTE_SOAK says, in seconds; envd-rpc.md 6.8.

import { readdirSync, readlinkSync } from "node:fs";
import { expect, test } from "bun:test";
import { Daemon } from "../envd/daemon.ts";
import { host, scale } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Client } from "./client.ts";
import { Wanderer } from "./wanderer.ts";

const seconds = Number(process.env.MOTE_SOAK ?? 20);
const CLIENTS = 20;
/** Milliseconds after which what a client does counts as stuck. */
const STUCK = 60_000 * host.patience;

async function wander(all: readonly Wanderer[], milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  await Promise.all(all.map(async (one) => {
    while (performance.now() < end) await one.wander(STUCK);
  }));
}

/** What the daemon has open, by kind. */
function open(daemon: Daemon): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${daemon.pid}/fd`)) {
    const kind = readlinkSync(`/proc/${daemon.pid}/fd/${fd}`).replace(/\d+/g, "N");
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

/** Waits until nothing is left of what the clients did. */
async function settled(daemon: Daemon, idle: number): Promise<void> {
  const client = new Client(daemon.port, "json");
  await until("no process is listed", 30, async () => (await client.pids()).length === 0);
  await until("no child is left", 30, () => proc.children(daemon.pid).length === 0);
  await until("no descriptor is left over", 30, () => daemon.descriptors() <= idle);
}

test(`E08: ${CLIENTS} clients mix all procedures for ${seconds} s, and leave when they like`, () =>
  Daemon.with({}, async (daemon) => {
    const idle = daemon.descriptors();
    const kinds = open(daemon);
    const all = Array.from({ length: CLIENTS }, (_, index) => new Wanderer(daemon.port, index));
    await wander(all, Math.min(5, seconds) * 1000);
    await settled(daemon, idle);
    // Of its own, not of its file, whose pages come and go.
    const before = daemon.memory().anonymous;
    await wander(all, seconds * 1000);
    await settled(daemon, idle);
    const grown = (): number => daemon.memory().anonymous - before;
    const first = grown();
    // How a process has ended is kept for 30 s.
    await until("its memory is given back", 45, () => grown() < (host.name === "x86_64" ? 256 * 1024 : scale.growth));
    const done = new Map<string, number>();
    for (const one of all) for (const [name, count] of one.done) done.set(name, (done.get(name) ?? 0) + count);
    console.log(`in ${seconds} s: ${[...done].map(([name, count]) => `${count} ${name}`).join(", ")}; ${before / 1024} kB before, ${first / 1024} kB more after, ${grown() / 1024} kB in the end`);
    expect(open(daemon)).toEqual(kinds);
    expect(readdirSync(daemon.inside("/srv")).includes("half")).toBe(false);
  }), (seconds + 300) * 1000 * host.patience);
