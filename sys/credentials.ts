/** Becoming another user, credentials(7). */
import { addressOf } from "#libc";
import { isX86 } from "./architecture.ts";
import { Call } from "./calls.ts";
import { type Plan, Rule } from "./plan.ts";

const GID_BYTES = 4;

/** The numbers of system calls. Not libc's functions, which do it to every thread: a child has no other. */
let setgroups = 0;
let setgid = 0;
let setuid = 0;

export class Credentials {
  readonly uid: number;
  readonly gid: number;
  private readonly groups: Uint8Array;

  /** `groups`: all the groups that the user is in, at most 65,536. */
  constructor(uid: number, gid: number, groups: number[]) {
    this.uid = uid;
    this.gid = gid;
    this.groups = new Uint8Array(groups.length * GID_BYTES);
    const view = new DataView(this.groups.buffer);
    for (let i = 0; i < groups.length; i++) view.setUint32(i * GID_BYTES, groups.at(i) ?? gid, true);
    if (setgroups !== 0) return;
    const isX = isX86();
    setgroups = isX ? 116 : 159;
    setgid = isX ? 106 : 144;
    setuid = isX ? 105 : 146;
  }

  /** Adds to the plan of a child: it becomes the user, for good. This object lives until it has. */
  plan(plan: Plan): void {
    plan.add(Call.syscall, setgroups, this.groups.length / GID_BYTES, addressOf(this.groups), 0, Rule.USER);
    plan.add(Call.syscall, setgid, this.gid, 0, 0, Rule.USER);
    plan.add(Call.syscall, setuid, this.uid, 0, 0, Rule.USER);
  }
}
