// Trees of control groups, version 2: plain files that say what they are told, on any machine, and the kernel's, where this
// machine has them and lets them be made.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";

/** The groups of what is run. */
export const workload = ["wrenn/pty", "wrenn/user"] as const;

/** Groups made of plain files, which never freeze by themselves. */
export class FakeGroups {
  readonly root = scratchDirectory();

  constructor() {
    writeFileSync(join(this.root, "cgroup.controllers"), "");
  }

  add(name: string, asked = "0", frozen = 0): void {
    this.write(name, "cgroup.freeze", `${asked}\n`);
    this.write(name, "cgroup.events", `populated 1\nfrozen ${frozen}\n`);
  }

  settle(name: string, frozen: number): void {
    this.write(name, "cgroup.events", `populated 1\nfrozen ${frozen}\n`);
  }

  asked(name: string): string {
    return this.read(name, "cgroup.freeze").trim();
  }

  write(name: string, file: string, text: string): void {
    mkdirSync(join(this.root, name), { recursive: true });
    writeFileSync(join(this.root, name, file), text);
  }

  read(name: string, file: string): string {
    return readFileSync(join(this.root, name, file), "latin1");
  }

  /** With the groups of the workload. */
  static async within(body: (groups: FakeGroups) => Promise<void>): Promise<void> {
    const groups = new FakeGroups();
    for (const name of workload) groups.add(name);
    try {
      await body(groups);
    } finally {
      remove(groups.root);
    }
  }

  /** The fake root that a daemon is given, with its workload groups. */
  static with(body: (groups: FakeGroups, daemon: Daemon) => Promise<void>, args: readonly string[] = [], options: DaemonOptions = {}): Promise<void> {
    return FakeGroups.within((groups) =>
      Daemon.with({ ...options, args: ["--isnotfc", "--cgroup-root", groups.root, ...args] }, (daemon) => body(groups, daemon)),
    );
  }
}

const v2 = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((path) => existsSync(join(path, "cgroup.controllers"))) ?? "";
let made = 0;

function makeHome(): string {
  const home = join(v2, `mote-test-${process.pid}-${++made}`);
  mkdirSync(home);
  return home;
}

/** A group of the kernel's for a test: the root of all that it makes. */
export class RealGroups {
  readonly root = makeHome();

  /** Ends what is in them, and removes them. */
  async dispose(): Promise<void> {
    for (const group of tree(this.root)) {
      writeFileSync(join(group, "cgroup.freeze"), "0");
      for (const pid of readFileSync(join(group, "cgroup.procs"), "latin1").split("\n")) if (pid !== "") end(Number(pid));
    }
    const isEmpty = (): boolean => readFileSync(join(this.root, "cgroup.events"), "latin1").includes("populated 0");
    await until("the groups are empty", 10, isEmpty);
    for (const group of tree(this.root)) rmdirSync(group);
  }

  static async with(body: (groups: RealGroups) => Promise<void>): Promise<void> {
    const groups = new RealGroups();
    try {
      await body(groups);
    } finally {
      await groups.dispose();
    }
  }

  /** Whether this machine has them. */
  static get isThere(): boolean {
    try {
      const home = makeHome();
      const isThere = existsSync(join(home, "cgroup.freeze"));
      rmdirSync(home);
      return isThere;
    } catch {
      return false; // not ours to make
    }
  }
}

/** A group and all below it, the lowest first. */
function tree(group: string): string[] {
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => tree(join(group, entry.name))), group];
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
