/** How a child comes into its control group, version 2: it is made in it, or enters it before it is anybody else; lifecycle.md 3.3. */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno, SysError } from "./errno.ts";
import { type Plan, Rule } from "./plan.ts";
import type { Plumbing } from "./plumbing.ts";

const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const NO_FD = -1;

export class Entrance {
  /** Of opening the group's list of processes, where the child has to enter: a descriptor or -errno; else 0. */
  result = 0;
  private readonly group: string;
  /** What enters who writes it. */
  private readonly self = cstring("0");

  /** `group`: the path of its directory; empty for that of the parent. */
  constructor(group: string) {
    this.group = group;
  }

  /** Has a plan's child made in the group; clone3(2), Linux 5.7. Returns its pid, or -1 where it cannot be. Throws SysError. */
  start(plan: Plan): number {
    if (this.group === "") return NO_FD;
    const directory = open(this.group, O_PATH | O_CLOEXEC);
    if (directory < 0) return NO_FD;
    const pid = plan.start(directory);
    call(Call.close, directory, 0, 0);
    // Too many processes: in the group or anywhere.
    if (pid === -Errno.EAGAIN || pid === -Errno.ENOMEM) throw new SysError("clone3", -pid, this.group);
    return pid < 0 ? NO_FD : pid;
  }

  /** The child is to enter the group by its list. */
  openList(plumbing: Plumbing): void {
    if (this.group === "") return;
    this.result = open(`${this.group}/cgroup.procs`, O_WRONLY | O_CLOEXEC);
    if (this.result >= 0) plumbing.add(this.result);
  }

  /** Adds to the plan of the child: it enters, where it has to. */
  plan(plan: Plan): void {
    if (this.result > 0) plan.add(Call.write, this.result, addressOf(this.self), 1, 0, Rule.GROUP);
  }

  /** The child has been made. */
  closeList(plumbing: Plumbing): void {
    if (this.result > 0) plumbing.closeLast();
  }
}

function open(path: string, flags: number): number {
  const name = cstring(path);
  return call(Call.open, addressOf(name), flags, 0);
}
