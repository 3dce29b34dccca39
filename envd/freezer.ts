/** Freezes what runs for hosts, or nearly all of the guest, and thaws it again; envd-http.md 5.9, lifecycle.md 3.4. */
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import { askFreeze, childGroups, isFreezeAsked, makeWorkloadGroups, ownGroup, WORKLOAD_GROUPS } from "./cgroups.ts";
import { Sweep } from "./sweep.ts";

/** Without these the guest does not come back: who starts its services, its log, and what mounts over NFS need. */
const ALLOWLIST = [
  "init.scope",
  "system.slice/systemd-journald.service",
  "system.slice/rpcbind.service",
  "system.slice/rpcbind.socket",
  "system.slice/rpc-statd.service",
  "wrenn/socat",
];

const USUAL_GROUPS = 512;
const MAX_GROUPS = 8192;
/** After a freeze it thaws by itself; milliseconds that the guest ran. */
const BACKSTOP_MS = 600_000;

export class Freezer {
  private readonly loop: Loop;
  /** Where control groups are, version 2; empty where there are none. */
  private readonly root: string;
  private readonly backstop = new Timer(() => this.onBackstop());
  /** Groups that the guest had frozen itself before the hierarchy was: they stay so. */
  private readonly preFrozen = new Set<string>();
  private isHierarchyFrozen = false;
  private sweep: Sweep | undefined;

  constructor(loop: Loop, root: string) {
    this.loop = loop;
    this.root = root;
  }

  /** Whether somebody waits for what has been asked for to become frozen. */
  get isBusy(): boolean {
    return this.sweep?.isOver === false;
  }

  /**
   * Asks for the workload to be frozen; `isHierarchical`: and for what else there is, up to so many groups. Returns the
   * sweep, which is to be ended when nobody waits for it any more.
   */
  freeze(isHierarchical: boolean, maxGroups: number): Sweep {
    const sweep = new Sweep(isHierarchical && this.root !== "");
    this.sweep = sweep;
    if (this.root === "") {
      sweep.pretend(WORKLOAD_GROUPS.length);
      return sweep;
    }
    this.loop.timers.start(this.backstop, BACKSTOP_MS);
    if (!makeWorkloadGroups(this.root)) log(Level.WARN, `${this.root}: cannot make groups`);
    for (const name of WORKLOAD_GROUPS) {
      sweep.visited++;
      sweep.request(`${this.root}/${name}`);
    }
    if (isHierarchical) this.freezeHierarchy(sweep, Math.min(maxGroups > 0 ? maxGroups : USUAL_GROUPS, MAX_GROUPS));
    sweep.endSweep();
    return sweep;
  }

  /** Thaws all that `freeze` has frozen. Returns false where a group refused; the others are thawed all the same. */
  thaw(): boolean {
    if (this.root === "") return true;
    // Who still waits gets to know how far it came.
    this.sweep?.end();
    let isClean = true;
    for (const name of WORKLOAD_GROUPS) isClean = thawGroup(`${this.root}/${name}`) && isClean;
    if (this.isHierarchyFrozen) isClean = this.thawHierarchy() && isClean;
    if (!isClean) {
      this.loop.timers.start(this.backstop, BACKSTOP_MS);
      return false;
    }
    this.loop.timers.cancel(this.backstop);
    this.isHierarchyFrozen = false;
    this.preFrozen.clear();
    return true;
  }

  private onBackstop(): void {
    log(Level.WARN, "frozen for 10 minutes: thawing");
    this.thaw();
  }

  /** Freezing a group freezes all below it: of each only what neither we nor the allow-list are in. */
  private freezeHierarchy(sweep: Sweep, maxGroups: number): void {
    const spared = this.spared();
    const wasFrozen = this.isHierarchyFrozen;
    this.isHierarchyFrozen = true;
    for (const parent of spared) {
      for (const group of childGroups(parent)) {
        const name = group.slice(this.root.length + 1);
        if (spared.includes(group) || WORKLOAD_GROUPS.includes(name)) continue;
        if (sweep.visited >= maxGroups) {
          sweep.isTruncated = true;
          return;
        }
        sweep.visited++;
        if (ALLOWLIST.includes(name)) sweep.allowlisted++;
        else if (this.isPreFrozen(group, wasFrozen)) sweep.preFrozen++;
        else sweep.request(group);
      }
    }
  }

  /** Whether the guest has frozen a group itself: once we have, what is frozen besides is by us. */
  private isPreFrozen(group: string, wasFrozen: boolean): boolean {
    if (!wasFrozen && isFreezeAsked(group)) this.preFrozen.add(group);
    return this.preFrozen.has(group);
  }

  /** Every group that is asked to be frozen itself, not as a part of one above it. */
  private thawHierarchy(): boolean {
    const own = chain(this.root, ownGroup());
    let isClean = true;
    const parents = [this.root];
    let visited = 0;
    for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
      for (const group of childGroups(parent)) {
        if (++visited > MAX_GROUPS) return false;
        parents.push(group);
        if (own.includes(group) || this.preFrozen.has(group) || !isFreezeAsked(group)) continue;
        isClean = thawGroup(group) && isClean;
      }
    }
    return isClean;
  }

  /** The groups that are looked into instead of being frozen: those that we are in, and those above the allow-list. */
  private spared(): string[] {
    const spared = chain(this.root, ownGroup());
    for (const name of ALLOWLIST) {
      for (const group of chain(this.root, `/${name.slice(0, Math.max(name.lastIndexOf("/"), 0))}`)) {
        if (!spared.includes(group)) spared.push(group);
      }
    }
    return spared;
  }
}

/** The root and every group on the way to one. */
function chain(root: string, path: string): string[] {
  const groups = [root];
  let group = root;
  for (const name of path.split("/")) {
    if (name === "") continue;
    group += `/${name}`;
    groups.push(group);
  }
  return groups;
}

function thawGroup(group: string): boolean {
  try {
    askFreeze(group, false);
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
    return false;
  }
}
