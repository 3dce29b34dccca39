// The table of process groups that end with the process that started them.

import { afterAll, expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { fork, leaveChild } from "../../sys/child.ts";
import { close } from "../../sys/file.ts";
import { GROUPS_BYTES, GroupTable, MAX_GROUPS, takeGroups } from "../../sys/groups.ts";
import { createMemoryFile } from "../../sys/memory-file.ts";
import { hasEnded, reap } from "../../sys/process.ts";
import { untilSync } from "../until.ts";

/** The table does not lie at the start. */
const offset = 64;
const fd = createMemoryFile("groups", offset + GROUPS_BYTES);
afterAll(() => close(fd));

/** Does something in a child, which ends with 0 after it. Returns its pid once it has ended, its status not yet taken. */
function inChild(body: () => void): number {
  const pid = fork();
  if (pid === 0) {
    body();
    leaveChild(0);
  }
  untilSync("the child has ended", 20, () => hasEnded(pid));
  return pid;
}

test("there are so many places, and one that is given back is free", () => {
  const table = new GroupTable(fd, offset);
  expect(Array.from({ length: MAX_GROUPS }, () => table.take())).toEqual(Array.from({ length: MAX_GROUPS }, (_, i) => i));
  expect(table.take()).toBe(-1);
  for (const slot of [-1, MAX_GROUPS]) table.free(slot);
  expect(table.take()).toBe(-1);
  table.free(17);
  expect(table.take()).toBe(17);
});

test("without a file there is no place", () => {
  const table = new GroupTable(-1, 0);
  const slot = table.take();
  expect(slot).toBe(-1);
  table.enter(slot);
  table.free(slot);
});

test("children enter themselves, and whoever takes them leaves the table empty", () => {
  const table = new GroupTable(fd, offset);
  const slots = [table.take(), table.take(), table.take()];
  const pids = slots.map((slot) => inChild(() => table.enter(slot)));
  table.free(slots[1] ?? -1);
  expect(pids.map(reap)).toEqual([0, 0, 0]);
  expect(takeGroups(fd, offset)).toEqual([pids[0] ?? 0, pids[2] ?? 0]);
  expect(takeGroups(fd, offset)).toEqual([]);
});

test("a child whose parent has gone ends, and is not in the table", () => {
  const table = new GroupTable(fd, offset);
  const slot = table.take();
  const parent = inChild(() => {
    // Its parent is not the table's owner.
    const orphan = inChild(() => table.enter(slot));
    leaveChild(reap(orphan));
  });
  expect(reap(parent)).toBe(1);
  expect(takeGroups(fd, offset)).toEqual([]);
});

test("numbers that are nobody's group are passed over", () => {
  // Of these kill(2) would make every process, or this one's group.
  const words = Buffer.alloc(16);
  [-1, 0, 1, 4242].forEach((pid, i) => words.writeInt32LE(pid, i * 4));
  writeSync(fd, words, 0, words.length, offset);
  expect(takeGroups(fd, offset)).toEqual([4242]);
});
