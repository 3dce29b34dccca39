// What cases of watching share: changes made one system call at a time, a stream whose place is known, watches counted.

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import type { Daemon } from "../envd/daemon.ts";
import type { Place } from "./file-cases.ts";
import { type ChangeStream, type Files, told } from "./files.ts";

/** Makes a file, or empties one: no more than open(2), and write(2) where there is something to write. */
export function create(path: string, content = ""): void {
  const fd = openSync(path, "w");
  if (content !== "") writeSync(fd, content);
  closeSync(fd);
}

/** A change that the stream tells, whose place in it is known: what comes before it has all come. */
async function changesOf(stream: ChangeStream, place: Place): Promise<string[]> {
  create(place.in("last"));
  const changes = told(await stream.until("CREATE last"));
  rmSync(place.in("last"));
  await stream.until("REMOVE last");
  return changes.slice(0, -1);
}

/** Runs `body` with a stream of a place's changes; `changes` are those made since it was last asked. */
export async function withStream(files: Files, place: Place, options: object, body: (stream: ChangeStream, changes: () => Promise<string[]>) => Promise<void>): Promise<void> {
  const stream = await files.watching(place.path, options);
  try {
    await body(stream, () => changesOf(stream, place));
  } finally {
    stream.close();
  }
}

/** All watches of a daemon. */
export function watches(daemon: Daemon): number {
  return Bun.spawnSync(["sh", "-c", `cat /proc/${daemon.pid}/fdinfo/*`]).stdout.toString().split("\n").filter((line) => line.startsWith("inotify ")).length;
}
