// The tables of /proc that tell what is mounted and what is swapped to, and unmounting by them.

import { afterAll, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { pathsBackwards } from "../../sys/unmount.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (paths: Uint8Array[]): string[] => paths.map((path) => Buffer.from(path).toString("latin1"));

const mountinfo = `22 1 8:1 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 8:2 /a /mnt/two\\040words rw master:1 - ext4 /dev/vdb rw
25 24 8:3 / /mnt/two\\040words/\\134\\011 rw - ext4 /dev/vdc rw
`;

test("mount points, the last first, as C strings", () => {
  expect(texts(pathsBackwards(bytes(mountinfo), 4))).toEqual(["/mnt/two words/\\\t\0", "/mnt/two words\0", "/proc\0", "/\0"]);
});

test("a path keeps the bytes that are no UTF-8", () => {
  const line = new Uint8Array([...bytes("1 1 8:1 / /x"), 0xff, 0xc3, ...bytes(" rw\n")]);
  expect(pathsBackwards(line, 4)).toEqual([new Uint8Array([0x2f, 0x78, 0xff, 0xc3, 0])]);
});

test("swap areas, without the heading", () => {
  const swaps = "Filename\t\t\tType\t\tSize\n/dev/vdb                  partition\t1\n/swap\\040file             file\t2\n";
  expect(texts(pathsBackwards(bytes(swaps), 0))).toEqual(["/swap file\0", "/dev/vdb\0"]);
});

test("an empty table, a cut line and a cut escape", () => {
  expect(pathsBackwards(bytes(""), 4)).toEqual([]);
  expect(texts(pathsBackwards(bytes("1 1 8:1 / /a rw\n2 1 8:2 / /b"), 4))).toEqual(["/a\0"]);
  expect(texts(pathsBackwards(bytes("1 1 8:1 / /a\\04 rw\n"), 4))).toEqual(["/a\\04\0"]);
});

test("everything is unmounted but what is kept: nested, hidden and busy", () => {
  const program = [process.execPath, join(import.meta.dir, "unmount-all.ts"), readlinkSync("/proc/self/ns/mnt"), directory];
  const { exitCode, stdout, stderr } = Bun.spawnSync(["unshare", "--mount", "--propagation", "private", ...program]);
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  const { before, points }: { before: number; points: string[] } = JSON.parse(stdout.toString());
  expect(before).toBe(5);
  expect(points.filter((point) => !["/", "/dev", "/proc", "/sys"].includes(point))).toEqual([]);
});
