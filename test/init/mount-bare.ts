// Mounts a file system with options that it does not know, in a mount namespace that is not the caller's, as on a kernel
// that is older than cgroup2's options; prints the mounts at the place. Its arguments: the caller's mount namespace, and
// a directory to mount on.

import { readFileSync, readlinkSync } from "node:fs";
import { MountRow, Mounts } from "../../init/mounts.ts";

const [foreign = "", directory = "", kind = ""] = process.argv.slice(2);
if (foreign === "" || readlinkSync("/proc/self/ns/mnt") === foreign) throw new Error("not in a mount namespace of its own");

const mounts = new Mounts();
mounts.mount(new MountRow(directory, "tmpfs", 0, "nothing_of_the_kind=1", kind === "bare"));
mounts.report();
const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
console.log(lines.filter((line) => line.split(" ")[4] === directory).length);
