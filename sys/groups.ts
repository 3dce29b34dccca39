/**
 * The process groups that live and die with this process: their leaders' pids in a file that outlives it, so that whoever
 * holds the file too can kill them when this process is gone.
 *
 * A child enters its own pid, before it becomes another program, and only while its parent lives: what a reader finds
 * after the parent's death is all there is, whatever moment the parent died at.
 */
import { call } from "#libc";
import { Call } from "./calls.ts";
import { leaveChild } from "./child.ts";
import { readAt, writeAt } from "./memory-file.ts";

/** How many groups a table takes. */
export const MAX_GROUPS = 128;
const PID_BYTES = 4;
/** Bytes of a table. */
export const GROUPS_BYTES = MAX_GROUPS * PID_BYTES;

const pid = new Uint8Array(PID_BYTES);
const pidView = new DataView(pid.buffer);

export class GroupTable {
  /** The table's file; -1 for none: then nobody takes note. */
  private readonly fd: number;
  /** Where it lies in the file. */
  private readonly offset: number;
  private readonly owner: number;
  private readonly isTaken = new Uint8Array(MAX_GROUPS);

  /** The file stays the caller's. */
  constructor(fd: number, offset: number) {
    this.fd = fd;
    this.offset = offset;
    this.owner = call(Call.getpid, 0, 0, 0);
  }

  /** Takes a free place, or -1 where there is none or no file. */
  take(): number {
    if (this.fd < 0) return -1;
    for (let slot = 0; slot < this.isTaken.length; slot++) {
      if (this.isTaken[slot] !== 0) continue;
      this.isTaken[slot] = 1;
      return slot;
    }
    return -1;
  }

  /** In the child: enters its pid, or ends it where its parent is gone. Allocates nothing. */
  enter(slot: number): void {
    if (slot < 0) return;
    this.write(slot, call(Call.getpid, 0, 0, 0));
    if (call(Call.getppid, 0, 0, 0) === this.owner) return;
    // Whoever reads the table later is not to take for ours what then has this pid.
    this.write(slot, 0);
    leaveChild(1);
  }

  /** Gives a place back. Before the leader is reaped: after that its pid may be another's. */
  free(slot: number): void {
    if (slot < 0 || slot >= MAX_GROUPS) return;
    this.write(slot, 0);
    this.isTaken[slot] = 0;
  }

  private write(slot: number, value: number): void {
    pidView.setInt32(0, value, true);
    writeAt(this.fd, pid, this.offset + slot * PID_BYTES);
  }
}

/** The leaders in a table, and an empty table in its place. For one who knows that its owner is dead. */
export function takeGroups(fd: number, offset: number): number[] {
  const bytes = new Uint8Array(GROUPS_BYTES);
  const view = new DataView(bytes.buffer);
  const pids: number[] = [];
  readAt(fd, bytes, offset);
  for (let slot = 0; slot < MAX_GROUPS; slot++) {
    const leader = view.getInt32(slot * PID_BYTES, true);
    if (leader > 1) pids.push(leader);
  }
  writeAt(fd, new Uint8Array(GROUPS_BYTES), offset);
  return pids;
}
