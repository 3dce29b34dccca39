// Interleaved rounds: floor, native, bun, floor, native, ... so that whatever drifts on the machine hits all alike.

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { type Host, measure, pinned, serve, Server } from "./server.ts";

/** How much of everything is done in one round. */
export interface Dose {
  readonly rounds: number;
  readonly pings: number;
  readonly runs: number;
  readonly starts: number;
  readonly bytes: number;
}

/** The CPUs that client and server stay on. */
export interface Placement {
  readonly client: string;
  readonly server: string;
}

/** A bound on a ratio to the floor. */
export interface Target {
  readonly most?: number;
  readonly least?: number;
}

interface Figure {
  readonly row: string;
  readonly key: string;
  readonly unit: string;
  readonly target: Target | null;
}

interface Case {
  readonly name: string;
  readonly floor: string;
  /** The client starts the servers of this case itself, on its own CPU; the others find one listening. */
  readonly starts: boolean;
  readonly figures: readonly Figure[];
  arguments(socket: string, file: string, dose: Dose, host: Host): string[];
}

export const CASES: readonly Case[] = [
  {
    name: "start",
    floor: "ping",
    starts: true,
    figures: [{ row: "start to first pong", key: "median_us", unit: "us", target: { most: 2 } }],
    arguments: (socket, _file, dose, host) => [
      "start",
      socket,
      String(host === "bun" ? Math.ceil(dose.starts / 10) : dose.starts),
      ...serve(host, "ping", socket),
    ],
  },
  {
    name: "ping",
    floor: "ping",
    starts: false,
    figures: [
      { row: "ping", key: "median_us", unit: "us", target: { most: 1.5 } },
      { row: "ping, 99th percentile", key: "p99_us", unit: "us", target: null },
    ],
    arguments: (socket, _file, dose) => ["ping", socket, String(dose.pings)],
  },
  {
    name: "run",
    floor: "run",
    starts: false,
    figures: [
      { row: "run /bin/true", key: "median_us", unit: "us", target: { most: 1.15 } },
      { row: "run, 99th percentile", key: "p99_us", unit: "us", target: null },
    ],
    arguments: (socket, _file, dose) => ["run", socket, String(dose.runs), "/bin/true"],
  },
  {
    name: "upload",
    floor: "upload",
    starts: false,
    figures: [{ row: "upload", key: "mb_s", unit: "MB/s", target: { least: 0.85 } }],
    arguments: (socket, file, dose) => ["put", socket, String(dose.bytes), file],
  },
  {
    name: "download",
    floor: "download",
    starts: false,
    figures: [{ row: "download", key: "mb_s", unit: "MB/s", target: { least: 0.85 } }],
    arguments: (socket, file) => ["get", socket, file],
  },
];

/** What one figure came to on each host, a number per round in the order of the rounds; none where the host failed. */
export interface Row {
  readonly figure: Figure;
  readonly values: Map<Host, number[]>;
}

/**
 * Measures the named cases on every host given; starts only where client and server share a CPU. Sockets and files lie
 * in `folder`. The first round warms every host alike and is not counted.
 */
export async function measureRounds(
  hosts: readonly Host[],
  names: readonly string[],
  dose: Dose,
  placement: Placement,
  folder: string,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of CASES) {
    if (!names.includes(one.name) || (one.starts && placement.client !== placement.server)) continue;
    const servers = new Map<Host, Server>();
    const socketOf = (host: Host): string => `${folder}/${one.name}-${host}`;
    const file = `${folder}/payload`;
    const made: Row[] = one.figures.map((figure) => ({ figure, values: new Map(hosts.map((host) => [host, []])) }));
    try {
      for (const host of hosts) {
        const socket = socketOf(host);
        const command = pinned(placement.server, serve(host, one.floor, socket));
        if (!one.starts) servers.set(host, await Server.start(command, socket));
      }
      if (one.name === "download") fill(file, dose.bytes);
      const sound = new Set(hosts);
      for (let round = 0; round <= dose.rounds; round++) {
        for (const host of sound) {
          try {
            const numbers = measure(placement.client, one.arguments(socketOf(host), file, dose, host));
            if (round > 0) for (const row of made) record(row, host, numbers);
          } catch (error) {
            await Bun.sleep(100);
            const text = error instanceof Error ? error.message : String(error);
            console.error(`${one.name} on ${host}, round ${round}: ${text}${servers.get(host)?.end ?? ""}`);
            sound.delete(host);
            for (const row of made) row.values.set(host, []);
          }
        }
      }
    } finally {
      for (const server of servers.values()) await server.stop();
      rmSync(file, { force: true });
    }
    rows.push(...made);
  }
  return rows;
}

function record(row: Row, host: Host, numbers: ReadonlyMap<string, number>): void {
  const value = numbers.get(row.figure.key);
  if (value === undefined) throw new Error(`the client printed no ${row.figure.key}`);
  row.values.get(host)?.push(value);
}

/** Writes every byte, so that reading the file back touches memory and no hole. */
function fill(file: string, bytes: number): void {
  const chunk = new Uint8Array(1 << 20).fill(0x5a);
  const fd = openSync(file, "w");
  for (let left = bytes; left > 0; left -= chunk.length) writeSync(fd, chunk, 0, Math.min(left, chunk.length));
  closeSync(fd);
}
