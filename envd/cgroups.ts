/** Control groups as the files that they are; cgroups(7) version 2, lifecycle.md 3. */
import { decodeText } from "../sys/bytes.ts";
import { EntryKind, listDirectory } from "../sys/directory.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { readWhole, writeValue } from "../sys/whole-file.ts";

const MAX_FILE_BYTES = 65536;

/**
 * Where version 2 is mounted: at `root`, or within it beside version 1; empty where it is at neither. Every group of it has
 * this file, and no other file system has: what is made on one of those would look like a group, and be none.
 */
export function findCgroups(root: string): string {
  for (const place of [root, `${root}/unified`]) {
    if (textOf(`${place}/cgroup.controllers`) !== undefined) return place;
  }
  return "";
}

/** Whether somebody has asked for a group to be frozen: the group itself, not one above it. */
export function isFreezeAsked(group: string): boolean {
  return textOf(`${group}/cgroup.freeze`)?.startsWith("1") === true;
}

/** Asks for a group to be frozen or thawed. Returns whether it is there; throws SysError where it refuses. */
export function askFreeze(group: string, freezes: boolean): boolean {
  const path = `${group}/cgroup.freeze`;
  const result = writeValue(path, freezes ? "1" : "0");
  if (result === -Errno.ENOENT || result === -Errno.ENODEV) return false;
  if (result < 0) throw new SysError("write", -result, path);
  return true;
}

export const enum Motion {
  RUNNING,
  FROZEN,
  /** The group does not say, or is gone. */
  UNKNOWN,
}

/** What has become of it: frozen are all of its processes, or none is there. */
export function motionOf(group: string): Motion {
  const text = textOf(`${group}/cgroup.events`);
  if (text === undefined) return Motion.UNKNOWN;
  return text.includes("frozen 1") ? Motion.FROZEN : text.includes("frozen 0") ? Motion.RUNNING : Motion.UNKNOWN;
}

/** The groups right below one; none where it is gone. */
export function childGroups(group: string): string[] {
  const children: string[] = [];
  try {
    for (const entry of listDirectory(group)) {
      if (entry.kind === EntryKind.DIRECTORY) children.push(`${group}/${entry.name}`);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return children;
}

/** The path of this process's own group under the root, with a slash in front; the root's own where it is not told. */
export function ownGroup(): string {
  for (const line of (textOf("/proc/self/cgroup") ?? "").split("\n")) {
    if (line.startsWith("0::/")) return line.slice(3);
  }
  return "/";
}

function textOf(path: string): string | undefined {
  try {
    const bytes = readWhole(path, MAX_FILE_BYTES);
    return decodeText(bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return undefined;
  }
}
