// Real faults of a native x86-64 process: other instructions where it is about to execute.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { state } from "./proc.ts";
import { until } from "./until.ts";

/** ud2: no instruction at all, which is SIGILL. */
const UNDEFINED = [0x0f, 0x0b];
/** jmp to itself. */
const LOOP = [0xeb, 0xfe];

/** Has the process execute an instruction that is none. */
export function trap(pid: number): Promise<void> {
  return execute(pid, UNDEFINED);
}

/** Has the process go round in an endless loop. */
export function spin(pid: number): Promise<void> {
  return execute(pid, LOOP);
}

/** Changes the code, which is this process's alone: its pages are private. */
async function execute(pid: number, instruction: readonly number[]): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until("it is stopped", 5, () => state(pid) === "T");
  const counter = BigInt(readFileSync(`/proc/${pid}/syscall`, "utf8").trim().split(" ").at(-1) ?? "");
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    // A system call that the stop has interrupted is made again: by the two bytes before.
    writeSync(memory, Buffer.from([...instruction, ...instruction]), 0, 4, Number(counter) - 2);
  } finally {
    closeSync(memory);
  }
  process.kill(pid, "SIGCONT");
}
