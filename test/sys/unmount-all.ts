// Unmounts everything, in a mount namespace that is not the caller's, and prints what is left. Its arguments: the caller's
// mount namespace, and a directory to mount in.

import { mkdirSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { Teardown } from "../../sys/unmount.ts";

const [foreign = "", directory = ""] = process.argv.slice(2);
if (foreign === "" || readlinkSync("/proc/self/ns/mnt") === foreign) throw new Error("not in a mount namespace of its own");

function mount(...names: string[]): string {
  const path = join(directory, ...names);
  mkdirSync(path);
  Bun.spawnSync(["mount", "-t", "tmpfs", "test", path]);
  return path;
}

mount("outer");
mount("outer", "two words");
mount("outer", "two words", "inner");
// Twice at one place, and one that is in use.
Bun.spawnSync(["mount", "-t", "tmpfs", "test", join(directory, "outer")]);
mount("busy");
openSync(join(directory, "busy/file"), "w");
const count = (): number => readFileSync("/proc/self/mountinfo", "utf8").split(" - tmpfs test ").length - 1;
const before = count();
new Teardown().unmount();
const points = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n").map((line) => line.split(" ")[4]);
console.log(JSON.stringify({ before, points: [...new Set(points)].sort() }));
