// The end of a worker under its supervisor, and what it leaves to the next one.

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";

/** Where the state lies in the record; sys/record.ts. */
const RECORD_OFFSET = 4096;

/** Runs `body` with a supervised daemon of its own. */
export function supervised(body: (daemon: Daemon) => Promise<void>, options: DaemonOptions = {}): Promise<void> {
  return Daemon.with({ ...options, isSupervised: true }, body);
}

/** Kills the worker, and waits until another one answers. */
export async function killWorker(daemon: Daemon): Promise<void> {
  const worker = proc.workerOf(daemon.pid);
  if (worker === undefined) throw new Error("no worker");
  process.kill(worker, "SIGKILL");
  await until("another one answers", 20, async () => {
    const next = proc.workerOf(daemon.pid);
    if (next === undefined || next === worker) return false;
    return (await daemon.fetch("/health").catch(() => undefined))?.status === 200;
  });
}

/** The file of all that outlives a worker, which the supervisor holds. */
function recordOf(daemon: Daemon): string {
  const directory = `/proc/${daemon.pid}/fd`;
  const records = readdirSync(directory).filter((fd) => readlinkSync(`${directory}/${fd}`).startsWith("/memfd:mote-state"));
  if (records.length !== 1) throw new Error(`${records.length} records`);
  return `${directory}/${records[0]}`;
}

export function readRecord(daemon: Daemon): Buffer {
  return readFileSync(recordOf(daemon));
}

/** Overwrites the state record. */
export function damageRecord(daemon: Daemon): void {
  const file = openSync(recordOf(daemon), "r+");
  writeSync(file, Buffer.alloc(256, 0xa5), 0, 256, RECORD_OFFSET);
  closeSync(file);
}
