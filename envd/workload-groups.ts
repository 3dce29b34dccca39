/** The control groups of what is run for hosts, with their weights and limits; lifecycle.md 3.1 to 3.3. */
import { Code } from "../connect/code.ts";
import { RpcError } from "../connect/error.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { makeDirectory } from "../sys/node.ts";
import { writeValue } from "../sys/whole-file.ts";
import { findCgroups, isFreezeAsked, Motion, motionOf } from "./cgroups.ts";
import { MemoryInfo } from "./meminfo.ts";
import type { EnvdOptions } from "./options.ts";

/** The parent of all of them, under the root. */
const PARENT = "wrenn";
/** Of processes on terminals, and of the others. */
const PTY = "wrenn/pty";
const USER = "wrenn/user";
/** What is left of the memory for everything else: an eighth, but not more than this; bytes. */
const RESERVE_MAX = 134_217_728;

export class WorkloadGroups {
  /** Where control groups are, version 2; empty where there are none. */
  readonly root: string;
  /** What they are to be set to beside the usual. */
  private readonly settings: string[];
  private isSet = false;
  /** What the log has been told. */
  private complaints = "";

  constructor(options: EnvdOptions) {
    this.root = options.groupRoot === "" ? "" : findCgroups(options.groupRoot);
    this.settings = options.groupSettings;
  }

  /** Their names under the root. */
  names(): string[] {
    return [PTY, USER];
  }

  /** Makes those that are missing. Returns whether all are there. */
  make(): boolean {
    try {
      let isNew = !this.isSet;
      for (const name of [PARENT, PTY, USER]) isNew = makeDirectory(`${this.root}/${name}`, 0o755) || isNew;
      if (isNew) this.set();
      return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.complain(error);
      return false;
    }
  }

  /**
   * The directory of the group for a process, which is made where it is missing; empty where there is none. Throws RpcError
   * while it is frozen: a child would stop before it is a program, with copies of all our descriptors.
   */
  groupFor(isOnTerminal: boolean): string {
    if (this.root === "") return "";
    const group = `${this.root}/${isOnTerminal ? PTY : USER}`;
    const motion = motionOf(group);
    if (motion === Motion.UNKNOWN && !this.make()) return "";
    if (motion === Motion.FROZEN || isFreezeAsked(group)) {
      throw new RpcError(Code.FAILED_PRECONDITION, "frozen: no process can be started before the thaw");
    }
    return group;
  }

  /** Logs once that a group is not to be had: processes run outside. */
  complain(error: SysError): void {
    if (this.complaints.includes(`${error.path}\n`)) return;
    this.complaints += `${error.path}\n`;
    log(Level.WARN, `processes run outside of their control group: ${error.describe()}`);
  }

  private set(): void {
    this.isSet = true;
    for (const group of [this.root, `${this.root}/${PARENT}`]) {
      // One at a time: a name that is not to be had fails the whole write.
      for (const name of ["cpu", "io", "memory", "pids"]) writeValue(`${group}/cgroup.subtree_control`, `+${name}`);
    }
    for (const setting of usualSettings()) this.write(setting, Level.DEBUG);
    for (const setting of this.settings) this.write(setting, Level.WARN);
  }

  /** What cannot be set is left as it is; `level`: of the line in the log. */
  private write(setting: string, level: Level): void {
    const equals = setting.indexOf("=");
    const path = `${this.root}/${PARENT}/${setting.slice(0, equals)}`;
    const result = writeValue(path, setting.slice(equals + 1));
    if (result < 0) log(level, new SysError("write", -result, path).describe());
  }
}

/** Files under the parent, and what they are to say. */
function usualSettings(): string[] {
  const settings = ["pty/cpu.weight=200", "pty/io.weight=default 50", "user/cpu.weight=50", "user/io.weight=default 10"];
  const total = totalMemory();
  if (total <= 0) return settings;
  const limit = Math.floor(total - Math.min(total / 8, RESERVE_MAX));
  for (const file of ["pty/memory.high", "pty/memory.max", "user/memory.high", "user/memory.max"]) settings.push(`${file}=${limit}`);
  return settings;
}

/** -1 where the kernel does not tell. */
function totalMemory(): number {
  try {
    return new MemoryInfo().get("MemTotal");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return -1;
  }
}
