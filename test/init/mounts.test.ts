// Mounting with options that the kernel does not know; lifecycle.md 1.3.

import { afterAll, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

function mountsAfter(kind: string): { count: string; log: string } {
  const program = [process.execPath, join(import.meta.dir, "mount-bare.ts"), readlinkSync("/proc/self/ns/mnt"), directory, kind];
  const { stdout, stderr } = Bun.spawnSync(["unshare", "--mount", "--propagation", "private", ...program]);
  return { count: stdout.toString(), log: stderr.toString() };
}

test("L010: where the kernel refuses the options with EINVAL, it is mounted without", () => {
  expect(mountsAfter("bare")).toEqual({ count: "1\n", log: "" });
});

test("but only what may do without them", () => {
  const { count, log } = mountsAfter("");
  expect(count).toBe("0\n");
  expect(log).toContain(`mount ${directory}: Invalid argument`);
});
