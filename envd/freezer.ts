/** Freezes what runs for hosts, or nearly all of the guest, and thaws it again; envd-http.md 5.9, lifecycle.md 3.4. */
import type { State } from "../json/state.ts";
import { JsonValue } from "../json/value.ts";
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import { askFreeze, childGroups, isFreezeAsked, ownGroup } from "./cgroups.ts";
import { Sweep } from "./sweep.ts";
import type { WorkloadGroups } from "./workload-groups.ts";

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
/** The member of the state that tells the next worker of a freeze. */
const MEMBER = "frozen";

export class Freezer {
  private readonly loop: Loop;
  private readonly groups: WorkloadGroups;
  private readonly state: State | undefined;
  /** How long anything stays frozen; milliseconds. */
  readonly limit: number;
  private readonly backstop = new Timer(() => this.onBackstop());
  /** Groups that the guest had frozen itself before the hierarchy was: they stay so. */
  private preFrozen: string[] = [];
  /** Something has been frozen and not been thawed. */
  private isFrozen = false;
  private isHierarchyFrozen = false;
  private sweep: Sweep | undefined;

  /** `state` tells of a freeze by a worker before this one, and the next. `limit`: milliseconds, 0 for the usual. */
  constructor(loop: Loop, groups: WorkloadGroups, state: State | undefined, limit: number) {
    this.loop = loop;
    this.groups = groups;
    this.state = state;
    this.limit = limit > 0 ? limit : BACKSTOP_MS;
    if (state !== undefined && groups.root !== "") this.recall(state);
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
    const { root } = this.groups;
    const names = this.groups.names();
    const sweep = new Sweep(isHierarchical && root !== "");
    this.sweep = sweep;
    if (root === "") {
      sweep.pretend(names.length);
      return sweep;
    }
    if (isHierarchical && !this.isHierarchyFrozen) {
      this.isHierarchyFrozen = true;
      const ours = names.map((name) => `${root}/${name}`);
      this.preFrozen = askedGroups(root).filter((group) => !ours.includes(group));
    }
    // Noted first: a worker that dies on the way has left something frozen.
    this.arm();
    this.groups.make();
    for (const name of names) {
      sweep.visited++;
      sweep.request(`${root}/${name}`);
    }
    if (isHierarchical) this.freezeHierarchy(sweep, Math.min(maxGroups > 0 ? maxGroups : USUAL_GROUPS, MAX_GROUPS));
    sweep.endSweep();
    return sweep;
  }

  /** Thaws all that `freeze` has frozen. Returns false where a group refused; the others are thawed all the same. */
  thaw(): boolean {
    const { root } = this.groups;
    if (root === "") return true;
    // Who still waits gets to know how far it came.
    this.sweep?.end();
    let isClean = true;
    for (const name of this.groups.names()) isClean = thawGroup(`${root}/${name}`) && isClean;
    if (this.isHierarchyFrozen) {
      for (const group of askedGroups(root)) if (!this.preFrozen.includes(group)) isClean = thawGroup(group) && isClean;
    }
    if (!this.isFrozen) return isClean;
    if (!isClean) {
      this.arm();
      return false;
    }
    this.loop.timers.cancel(this.backstop);
    this.state?.set(MEMBER, JsonValue.null());
    this.isFrozen = false;
    this.isHierarchyFrozen = false;
    this.preFrozen = [];
    return true;
  }

  /** Thaws where anything has been frozen: nobody will be there to do so. */
  end(): void {
    if (this.isFrozen) this.thaw();
  }

  private onBackstop(): void {
    log(Level.WARN, "frozen for too long: thawing");
    this.thaw();
  }

  /** Has it thaw by itself one day, whichever worker runs then. */
  private arm(): void {
    this.isFrozen = true;
    this.loop.timers.start(this.backstop, this.limit);
    if (this.state === undefined) return;
    const spared = JsonValue.array();
    for (const group of this.preFrozen) spared.push(JsonValue.string(group));
    const frozen = JsonValue.object().set("until", JsonValue.number(monotonicNow() + this.limit)).set("spared", spared);
    this.state.set(MEMBER, frozen.set("all", JsonValue.bool(this.isHierarchyFrozen)));
  }

  /** Goes on where the worker before this one was torn off. */
  private recall(state: State): void {
    if (state.isDamaged) {
      // Better thawed than frozen for ever.
      this.isHierarchyFrozen = true;
      return this.arm();
    }
    const frozen = state.get(MEMBER);
    const until = frozen?.get("until")?.asNumber();
    if (frozen === undefined || until === undefined) return;
    this.isFrozen = true;
    this.isHierarchyFrozen = frozen.get("all")?.asBool() === true;
    for (const item of frozen.get("spared")?.items() ?? []) this.preFrozen.push(item.asString() ?? "");
    this.loop.timers.start(this.backstop, Math.max(until - monotonicNow(), 0));
  }

  /** Freezing a group freezes all below it: of each only what neither we nor the allow-list are in. */
  private freezeHierarchy(sweep: Sweep, maxGroups: number): void {
    const { root } = this.groups;
    const spared = this.spared();
    const ours = this.groups.names();
    for (const parent of spared) {
      for (const group of childGroups(parent)) {
        const name = group.slice(root.length + 1);
        if (spared.includes(group) || ours.includes(name)) continue;
        if (sweep.visited >= maxGroups) {
          sweep.isTruncated = true;
          return;
        }
        sweep.visited++;
        if (ALLOWLIST.includes(name)) sweep.allowlisted++;
        else if (this.preFrozen.includes(group)) sweep.preFrozen++;
        else sweep.request(group);
      }
    }
  }

  /** The groups that are looked into instead of being frozen: those that we are in, and those above the allow-list. */
  private spared(): string[] {
    const { root } = this.groups;
    const spared = chain(root, ownGroup());
    for (const name of ALLOWLIST) {
      for (const group of chain(root, `/${name.slice(0, Math.max(name.lastIndexOf("/"), 0))}`)) {
        if (!spared.includes(group)) spared.push(group);
      }
    }
    return spared;
  }
}

/** The groups below the root that are asked to be frozen themselves, not as a part of one above them. */
function askedGroups(root: string): string[] {
  const asked: string[] = [];
  const parents = [root];
  let visited = 0;
  for (let parent = parents.pop(); parent !== undefined && visited < MAX_GROUPS; parent = parents.pop()) {
    for (const group of childGroups(parent)) {
      visited++;
      parents.push(group);
      if (isFreezeAsked(group)) asked.push(group);
    }
  }
  return asked;
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
