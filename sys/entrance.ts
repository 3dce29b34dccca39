/** How a child comes into its control group, version 2: it is made in it, or enters it before it is anybody else; lifecycle.md 3.3. */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { fork, forkInto } from "./child.ts";
import { Errno, SysError } from "./errno.ts";
import type { Plumbing } from "./plumbing.ts";

const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;

export class Entrance {
  private readonly group: string;
  /** Of the group's list of processes, where the child has yet to enter, or -errno; else 0. */
  private list = 0;
  /** What enters who writes it. */
  private readonly self = cstring("0");

  /** `group`: the path of its directory; empty for that of the parent. */
  constructor(group: string) {
    this.group = group;
  }

  /** Forks. Returns the child's pid, and 0 in the child. Throws SysError; what is open then is closed by the plumbing. */
  fork(plumbing: Plumbing): number {
    if (this.group === "") return fork();
    const directory = open(this.group, O_PATH | O_CLOEXEC);
    const pid = directory < 0 ? directory : forkInto(directory);
    if (directory >= 0) call(Call.close, directory, 0, 0);
    if (pid >= 0) return pid;
    // Too many processes: in the group or anywhere.
    if (pid === -Errno.EAGAIN || pid === -Errno.ENOMEM) throw new SysError("clone3", -pid, this.group);
    this.list = open(`${this.group}/cgroup.procs`, O_WRONLY | O_CLOEXEC);
    if (this.list >= 0) plumbing.add(this.list);
    return fork();
  }

  /** In the child: enters, where it has to. Returns 0 or more, or -errno. Allocates nothing. */
  enter(): number {
    return this.list <= 0 ? this.list : call(Call.write, this.list, addressOf(this.self), 1);
  }

  /** In the parent: the child has been made. */
  close(): void {
    if (this.list > 0) call(Call.close, this.list, 0, 0);
  }
}

function open(path: string, flags: number): number {
  const name = cstring(path);
  return call(Call.open, addressOf(name), flags, 0);
}
