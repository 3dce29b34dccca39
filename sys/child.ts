/** What a forked child does before it becomes another program. It only makes calls: nothing here allocates after the fork. */
import { addressOf, call, call6, prepareFork } from "#libc";
import { isX86 } from "./architecture.ts";
import { cstring, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import { restoreFileLimit } from "./limits.ts";
import { dropInheritedDispositions, resetSignals } from "./signals.ts";

const O_WRONLY = 1;
const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_FD = 0xffffffff;
const SYS_CLONE3 = 435;
const CLONE_INTO_CGROUP = 0x200000000;
const SIGCHLD = 17;
/** struct clone_args, clone(2): its size in Linux 5.7, and where the signal of the end and the control group lie. */
const CLONE_ARGS_BYTES = 88;
const EXIT_SIGNAL_OFFSET = 32;
const CGROUP_OFFSET = 80;
const PRIO_PROCESS = 0;
/** ioprio_set(2): one process; class best-effort, level 4, what a process begins with. */
const IOPRIO_WHO_PROCESS = 1;
const IOPRIO_BEST_EFFORT = 2 * 8192 + 4;
const IOPRIO_CLASS = 8192;
const SELF = 0;

/** The kernel kills a command before it kills the agent; proc(5), /proc/pid/oom_score_adj. */
const oomPath = cstring("/proc/self/oom_score_adj");
const oomScore = cstring("100");

let isPrepared = false;
/** Whether a child of which libc does not know can do what children do here. */
let canClone = false;
let isNice = false;
let hasIoClass = false;
/** The numbers of ioprio_set and, one above it, ioprio_get. */
let ioprioSet = 0;

/** Forks. Returns the child's pid, and 0 in the child. Throws SysError. */
export function fork(): number {
  if (!isPrepared) prepare();
  return check(call(Call.fork, 0, 0, 0), "fork", "");
}

/**
 * Like `fork`, into the control group whose directory a descriptor names; clone3(2), Linux 5.7. Returns -errno where it
 * cannot be. Only for a child that makes calls and becomes another program: libc takes it for its parent.
 */
export function forkInto(directory: number): number {
  if (!isPrepared) prepare();
  if (!canClone) return -Errno.ENOSYS;
  const args = new Uint8Array(CLONE_ARGS_BYTES);
  const view = new DataView(args.buffer);
  writeWord(view, 0, CLONE_INTO_CGROUP);
  writeWord(view, EXIT_SIGNAL_OFFSET, SIGCHLD);
  writeWord(view, CGROUP_OFFSET, directory);
  return call(Call.syscall, SYS_CLONE3, addressOf(args), CLONE_ARGS_BYTES);
}

/** What has to be done once, before the first fork. */
function prepare(): void {
  isPrepared = true;
  canClone = prepareFork();
  dropInheritedDispositions();
  // A result of -1 cannot be told from an error, and changes nothing: the child's nice value is set, not read.
  isNice = call(Call.getpriority, PRIO_PROCESS, SELF, 0) !== 0;
  ioprioSet = isX86() ? 251 : 30;
  hasIoClass = call6(Call.syscall, ioprioSet + 1, IOPRIO_WHO_PROCESS, SELF, 0, 0, 0) >= IOPRIO_CLASS;
}

/** In a child: a session of its own, and all of `equipChild`. */
export function enterChild(input: number, output: number, errors: number): void {
  call(Call.setsid, 0, 0, 0);
  equipChild(input, output, errors);
}

/**
 * In a child: the three descriptors in place and no other after execve(2), default signal dispositions and an empty mask,
 * the limits that the agent was started with, the usual priority; lifecycle.md 1.10.
 * The caller holds 0, 1 and 2 open always, so that a source never is a target and dup2 always clears close-on-exec.
 */
export function equipChild(input: number, output: number, errors: number): void {
  call(Call.dup2, input, 0, 0);
  call(Call.dup2, output, 1, 0);
  call(Call.dup2, errors, 2, 0);
  // What the agent inherited without close-on-exec stays its own, where the kernel has the call (Linux 5.11).
  call6(Call.syscall, SYS_CLOSE_RANGE, 3, LAST_FD, CLOSE_RANGE_CLOEXEC, 0, 0);
  restoreFileLimit();
  resetSignals();
  if (isNice) call(Call.setpriority, PRIO_PROCESS, SELF, 0);
  if (hasIoClass) call6(Call.syscall, ioprioSet, IOPRIO_WHO_PROCESS, SELF, IOPRIO_BEST_EFFORT, 0, 0);
  const oom = call(Call.open, addressOf(oomPath), O_WRONLY, 0);
  if (oom < 0) return;
  call(Call.write, oom, addressOf(oomScore), oomScore.length - 1);
  call(Call.close, oom, 0, 0);
}

/** In a child: ends it at once. */
export function leaveChild(code: number): void {
  call(Call._exit, code, 0, 0);
}
