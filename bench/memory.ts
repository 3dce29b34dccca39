// Resident memory: each program idle, and the agent after a load of every operation.

import { rmSync } from "node:fs";
import { findPython, type Host, measure, measureWhile, type Memory, pythonAsleep, serve, Server } from "./server.ts";

/** What is done to an agent before its memory is read again. */
export interface Load {
  readonly pings: number;
  readonly runs: number;
  readonly bytes: number;
  /** pings sent while the streams are open */
  readonly streamPings: number;
}

export interface Footprint {
  readonly label: string;
  readonly note: string;
  readonly host: Host | "python";
  readonly idle: Memory;
  /** null for a program that is only ever asleep, or failed under the load */
  readonly loaded: Memory | null;
  readonly busy: Busy | null;
}

/** The agent while STREAMS endless outputs are read slowly: its highest memory, and the median of a ping meanwhile. */
export interface Busy {
  readonly memory: Memory;
  readonly pingMilliseconds: number;
}

export const STREAMS = 64;

const SETTLE_MS = 1000;
/** The client opens its streams and waits a second: until then there are forks that have not become `yes`. */
const STREAMS_OPEN_MS = 1500;
const AFTER_LOAD_MS = 2000;

/** Measures each program alone and fresh. Sockets and files lie in `folder`. */
export async function measureMemory(hosts: readonly Host[], load: Load, folder: string): Promise<Footprint[]> {
  const socket = `${folder}/memory`;
  const footprints: Footprint[] = [];

  const asleep = async (host: Host | "python", label: string, note: string, command: string[], at: string | null) => {
    const server = await Server.start(command, at);
    await Bun.sleep(SETTLE_MS);
    footprints.push({ label, note, host, idle: server.memory(), loaded: null, busy: null });
    await server.stop();
  };
  const agent = async (host: Host, label: string, note: string) => {
    const server = await Server.start(serve(host, "", socket), socket);
    try {
      await Bun.sleep(SETTLE_MS);
      const idle = server.memory();
      let loaded: Memory | null = null;
      let busy: Busy | null = null;
      try {
        apply(load, socket, `${folder}/payload`);
        await Bun.sleep(AFTER_LOAD_MS);
        loaded = server.memory();
        busy = await stream(server, socket, load.streamPings);
      } catch (error) {
        await Bun.sleep(100);
        console.error(`memory of ${label}: ${error instanceof Error ? error.message : String(error)}${server.end}`);
      }
      footprints.push({ label, note, host, idle, loaded, busy });
    } finally {
      await server.stop();
    }
  };

  await asleep("floor", "C floor", "static C program asleep in poll()", ["build/bench/floor-asleep"], null);
  if (hosts.includes("native")) await agent("native", "mote", "native binary, listening: supervisor and worker");
  const python = findPython();
  if (python !== null) {
    const version = Bun.spawnSync([python, "-c", "import platform; print(platform.python_version())"]).stdout.toString();
    const label = `CPython ${version.trim()}`;
    await asleep("python", label, "an agent's imports, asleep in accept()", pythonAsleep(python, socket), socket);
  }
  if (hosts.includes("bun")) await agent("bun", "mote on Bun", "development host, listening: the same two");
  return footprints;
}

function apply(load: Load, socket: string, file: string): void {
  measure(null, ["ping", socket, String(load.pings)]);
  measure(null, ["run", socket, String(load.runs), "/bin/true"]);
  measure(null, ["put", socket, String(load.bytes), file]);
  measure(null, ["get", socket, file]);
  rmSync(file);
}

async function stream(server: Server, socket: string, pings: number): Promise<Busy> {
  let memory: Memory = { rss: 0, anonymous: 0 };
  const begin = performance.now();
  const numbers = await measureWhile(["streams", socket, String(STREAMS), String(pings)], () => {
    if (performance.now() - begin < STREAMS_OPEN_MS) return;
    const seen = server.memory();
    if (seen.rss > memory.rss) memory = seen;
  });
  return { memory, pingMilliseconds: (numbers.get("median_us") ?? NaN) / 1000 };
}
