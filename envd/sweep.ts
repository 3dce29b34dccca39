/** One attempt to freeze groups, and what has become of it; envd-http.md 5.9. */
import { JsonValue } from "../json/value.ts";
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { askFreeze, Motion, motionOf } from "./cgroups.ts";

export class Sweep {
  visited = 0;
  allowlisted = 0;
  isTruncated = false;
  preFrozen = 0;
  requested = 0;
  failed = 0;
  /** The groups of which it is not known whether they are frozen. */
  private pending: string[] = [];
  private notFrozen = 0;
  private unobservable = 0;
  private readonly isHierarchical: boolean;
  private readonly start = monotonicNow();
  private sweepEnd = 0;
  private waitEnd = 0;

  constructor(isHierarchical: boolean) {
    this.isHierarchical = isHierarchical;
  }

  /** Whether nothing is waited for any more. */
  get isOver(): boolean {
    return this.waitEnd > 0;
  }

  /** Asks for a group to be frozen. */
  request(group: string): void {
    try {
      // One that has gone meanwhile is no failure.
      if (!askFreeze(group, true)) return;
      this.requested++;
      this.pending.push(group);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.failed++;
    }
  }

  /** Without control groups: the groups of the workload cannot be seen. */
  pretend(groups: number): void {
    this.requested = groups;
    this.unobservable = groups;
    this.endSweep();
    this.end();
  }

  /** All has been asked for. */
  endSweep(): void {
    this.sweepEnd = monotonicNow();
  }

  /** Looks again, as far as the first group that is not frozen yet. Returns whether all are. */
  look(): boolean {
    while (this.pending.length > 0) {
      const motion = motionOf(this.pending.at(-1) ?? "");
      if (motion === Motion.RUNNING) return false;
      if (motion === Motion.UNKNOWN) this.unobservable++;
      this.pending.pop();
    }
    return true;
  }

  /** Nothing is waited for any more: looks at each group for the last time. */
  end(): void {
    if (this.isOver) return;
    for (const group of this.pending) {
      const motion = motionOf(group);
      if (motion === Motion.RUNNING) this.notFrozen++;
      if (motion === Motion.UNKNOWN) this.unobservable++;
    }
    this.pending = [];
    this.waitEnd = monotonicNow();
  }

  /** The answer to the host. */
  toJson(): JsonValue {
    const result = JsonValue.object();
    result.set("mode", JsonValue.string(this.isHierarchical ? "hierarchy" : "legacy"));
    result.set("visited", JsonValue.number(this.visited));
    result.set("allowlisted", JsonValue.number(this.allowlisted));
    result.set("truncated", JsonValue.bool(this.isTruncated));
    result.set("preFrozen", JsonValue.number(this.preFrozen));
    result.set("requested", JsonValue.number(this.requested));
    result.set("frozen", JsonValue.number(this.requested - this.notFrozen - this.unobservable));
    result.set("notFrozen", JsonValue.number(this.notFrozen));
    result.set("failed", JsonValue.number(this.failed));
    result.set("unobservable", JsonValue.number(this.unobservable));
    result.set("sweepMs", JsonValue.number(Math.round(this.sweepEnd - this.start)));
    result.set("waitMs", JsonValue.number(Math.round(this.waitEnd - this.sweepEnd)));
    return result;
  }
}
