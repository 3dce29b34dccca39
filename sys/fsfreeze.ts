/** Stopping writes to a file system; ioctl_fsfreeze in linux/fs.h. */
import { addressOf, call, call6 } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { leaveChild } from "./child.ts";
import { check, Errno } from "./errno.ts";
import { close } from "./file.ts";
import { launchWork } from "./launch.ts";
import { Ready } from "./loop.ts";

const SYS_CLOSE_RANGE = 436;
const LAST_FD = 0xffffffff;
const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;
const FIRST_FD = 3;
const MAX_FDS = 65536;
const STAT_BYTES = 512;
/** How often a guard looks, in milliseconds; the clock of a guest that stands still does, too. */
const LOOK_MS = 1000;

const NONE = -1;
/** What the guard of the last freeze hears of its end by: the end of a pipe that it reads. */
let line = NONE;

/** Whether the root's file system is frozen by us: who writes to it now waits in the kernel until it is thawed. */
export function isRootFrozen(): boolean {
  if (line < 0) return false;
  const pollfd = new Uint8Array(8);
  new DataView(pollfd.buffer).setInt32(0, line, true);
  // Nobody reads: the guard is gone, and so is the freeze.
  if (call(Call.poll, addressOf(pollfd), 1, 0) > 0) hangUp();
  return line >= 0;
}

function hangUp(): void {
  if (line >= 0) close(line);
  line = NONE;
}

/**
 * Starts a child that freezes the file system of the root; it may wait for what is being written. Returns its pid; it ends
 * with 0, also where that is frozen already, or with the errno. Throws SysError where it could not fork.
 *
 * It leaves a guard behind, which thaws where nobody else can any more: after `limit` milliseconds, where this process has
 * ended, and where it waits itself, in a write that the freeze holds up.
 */
export function launchFreeze(limit: number): number {
  const root = cstring("/");
  const statPath = cstring(`/proc/${call(Call.getpid, 0, 0, 0)}/stat`);
  const pair = new Uint8Array(8);
  if (isRootFrozen()) return launchWork(() => leaveChild(0));
  check(call(Call.pipe2, addressOf(pair), O_CLOEXEC, 0), "pipe2", "");
  const ends = new DataView(pair.buffer);
  const ear = ends.getInt32(0, true);
  const guard = new Guard();
  try {
    const pid = launchWork(() => {
      call(Call.dup2, ear, FIRST_FD, 0);
      // A listener or a connection must not stay open here. Before Linux 5.9 one by one, as many as there may be.
      if (call6(Call.syscall, SYS_CLOSE_RANGE, FIRST_FD + 1, LAST_FD, 0, 0, 0) < 0) {
        for (let fd = FIRST_FD + 1; fd < MAX_FDS; fd++) call(Call.close, fd, 0, 0);
      }
      guard.stat = call(Call.open, addressOf(statPath), O_RDONLY, 0);
      guard.root = call(Call.open, addressOf(root), O_RDONLY, 0);
      const result = guard.root < 0 ? guard.root : call(Call.ioctl, guard.root, FIFREEZE, 0);
      if (result < 0 && result !== -Errno.EBUSY) leaveChild(-result);
      if (call(Call.fork, 0, 0, 0) === 0) guard.watch(limit);
      leaveChild(0);
    });
    line = ends.getInt32(4, true);
    return pid;
  } catch (error) {
    close(ends.getInt32(4, true));
    throw error;
  } finally {
    close(ear);
  }
}

/** Starts a child that thaws it; the same, also where it is not frozen. */
export function launchThaw(): number {
  const path = cstring("/");
  // The guard of this freeze is not to thaw the next one.
  if (isRootFrozen()) call(Call.write, line, addressOf(path), 1);
  hangUp();
  return launchWork(() => {
    call6(Call.syscall, SYS_CLOSE_RANGE, FIRST_FD, LAST_FD, 0, 0, 0);
    const fd = call(Call.open, addressOf(path), O_RDONLY, 0);
    const result = fd < 0 ? fd : call(Call.ioctl, fd, FITHAW, 0);
    leaveChild(result < 0 && result !== -Errno.EINVAL ? -result : 0);
  });
}

/** Made before the fork, in which nothing is to be allocated. */
class Guard {
  /** Descriptors: of the root, and of what /proc says of the process that is guarded. */
  root = NONE;
  stat = NONE;
  private readonly pollfd = new Uint8Array(8);
  private readonly pollfdAddress: number;
  private readonly now = new Uint8Array(STAT_BYTES);
  private readonly nowAddress = addressOf(this.now);
  private readonly before = new Uint8Array(STAT_BYTES);

  constructor() {
    const view = new DataView(this.pollfd.buffer);
    view.setInt32(0, FIRST_FD, true);
    view.setInt32(4, Ready.READABLE, true);
    // Bun moves a small array to a buffer when that is asked for.
    this.pollfdAddress = addressOf(this.pollfd);
  }

  /** In a child, which this ends. */
  watch(limit: number): void {
    for (let left = limit; left > 0; left -= LOOK_MS) {
      if (call(Call.poll, this.pollfdAddress, 1, Math.min(left, LOOK_MS)) > 0) {
        // A word, or the end of who would have had it.
        if (call(Call.read, FIRST_FD, this.nowAddress, 1) === 1) leaveChild(0);
        break;
      }
      if (this.isStuck()) break;
    }
    call(Call.ioctl, this.root, FITHAW, 0);
    leaveChild(0);
  }

  /** Whether the process waits in the kernel, and has done nothing since it was looked at last. */
  private isStuck(): boolean {
    const { now, before } = this;
    const length = Math.min(call6(Call.pread, this.stat, this.nowAddress, STAT_BYTES, 0, 0, 0), now.length);
    let isSame = length > 0;
    let state = 0;
    for (let at = 0; at < length; at++) {
      if (now[at] !== before[at]) isSame = false;
      before[at] = now[at] ?? 0;
      // It follows the name, which may hold anything.
      if (now[at] === 0x29) state = at + 2;
    }
    // D for disk; Z for a process of which a thread waits in its exit.
    return isSame && state < length && (now[state] === 0x44 || now[state] === 0x5a);
  }
}
