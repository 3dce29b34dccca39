// What /proc says about a process and about those it started.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Memory {
  /** Bytes resident. */
  readonly rss: number;
  /** Bytes of it that no file backs. */
  readonly anonymous: number;
  /** Bytes resident, those shared with others counted in part: PSS. */
  readonly share: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the process is gone
  }
}

export function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

interface Status {
  readonly state: string;
  readonly parent: number;
  readonly cpuTicks: number;
}

function status(pid: number): Status | undefined {
  const line = read(`/proc/${pid}/stat`);
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  if (line === "" || state === undefined) return undefined;
  return { state, parent: Number(fields[1]), cpuTicks: Number(fields[11]) + Number(fields[12]) };
}

/** The letter of its state, proc(5); empty for a process that is gone. */
export function state(pid: number): string {
  return status(pid)?.state ?? "";
}

/** A line of its status, proc(5), such as `SigBlk`; empty for a process that is gone. */
export function statusLine(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? "";
}

/** Whether the process exists and is more than a zombie. */
export function isAlive(pid: number): boolean {
  const state = status(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

/** CPU time used so far, in clock ticks. */
export function cpuTicks(pid: number): number {
  return status(pid)?.cpuTicks ?? 0;
}

/** CPU time used so far, to the nanosecond. */
export function cpuSeconds(pid: number): number {
  return Number(read(`/proc/${pid}/schedstat`).split(" ")[0]) / 1e9;
}

/** How often the process has woken up so far. */
export function wakeUps(pid: number): number {
  return Number(statusLine(pid, "voluntary_ctxt_switches"));
}

/** Bytes that the process has read so far, of whatever. */
export function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(read(`/proc/${pid}/io`))?.[1]);
}

/** Every child, zombies too: one that stays is a process nobody reaped. */
export function children(pid: number): number[] {
  const list = read(`/proc/${pid}/task/${pid}/children`);
  if (list !== "") return list.trim().split(" ").map(Number);
  return pids().filter((child) => status(child)?.parent === pid);
}

/** The words a process was started with. */
export function commandLine(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** Whether the process is the worker of a supervisor. */
export function isWorker(pid: number): boolean {
  return commandLine(pid).includes("--worker");
}

/** The living worker of a supervisor. */
export function workerOf(supervisor: number): number | undefined {
  return children(supervisor).find((pid) => isWorker(pid) && isAlive(pid));
}

/** What tells a PID namespace from others; empty for a process that is gone. */
export function pidNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return "";
  }
}

/** Living processes whose environment holds the entry `KEY=value`. */
export function withEnvironment(entry: string): number[] {
  return pids().filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(entry) && isAlive(pid));
}

export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function memory(pid: number): Memory {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const bytes = (field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text);
    if (match === null) throw new Error(`no ${field} in smaps_rollup of ${pid}`);
    return Number(match[1]) * 1024;
  };
  return { rss: bytes("Rss"), anonymous: bytes("Anonymous"), share: bytes("Pss") };
}
