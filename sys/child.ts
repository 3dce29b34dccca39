/** What every child does before it becomes another program, and forking one that does more than a plan. */
import { addressOf, call, call6, prepareFork } from "#libc";
import { isX86 } from "./architecture.ts";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { planFileLimit } from "./limits.ts";
import { LAST_OPENED, Plan, Rule } from "./plan.ts";
import { dropInheritedDispositions, planSignals } from "./signals.ts";

const O_WRONLY = 1;
const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_FD = 0xffffffff;
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
let isNice = false;
let hasIoClass = false;
/** The numbers of ioprio_set and, one above it, ioprio_get. */
let ioprioSet = 0;

/** Forks. Returns the child's pid, and 0 in the child. Throws SysError. */
export function fork(): number {
  prepare();
  return check(call(Call.fork, 0, 0, 0), "fork", "");
}

/** What has to be done once, before the first child. */
function prepare(): void {
  if (isPrepared) return;
  isPrepared = true;
  prepareFork();
  dropInheritedDispositions();
  // A result of -1 cannot be told from an error, and changes nothing: the child's nice value is set, not read.
  isNice = call(Call.getpriority, PRIO_PROCESS, SELF, 0) !== 0;
  ioprioSet = isX86() ? 251 : 30;
  hasIoClass = call6(Call.syscall, ioprioSet + 1, IOPRIO_WHO_PROCESS, SELF, 0, 0, 0) >= IOPRIO_CLASS;
}

/**
 * Adds to a plan: the three descriptors in place and no other after execve(2), default signal dispositions and an empty
 * mask, the limits that the agent was started with, the usual priority; lifecycle.md 1.10. The caller holds 0, 1 and 2
 * open always, so that a source never is a target and dup2 always clears close-on-exec.
 */
export function equip(plan: Plan, input: number, output: number, errors: number): void {
  prepare();
  plan.add(Call.dup2, input, 0, 0, 0, Rule.ANY);
  plan.add(Call.dup2, output, 1, 0, 0, Rule.ANY);
  plan.add(Call.dup2, errors, 2, 0, 0, Rule.ANY);
  // What the agent inherited without close-on-exec stays its own, where the kernel has the call (Linux 5.11).
  plan.add(Call.syscall, SYS_CLOSE_RANGE, 3, LAST_FD, CLOSE_RANGE_CLOEXEC, Rule.ANY);
  planFileLimit(plan);
  planSignals(plan);
  if (isNice) plan.add(Call.setpriority, PRIO_PROCESS, SELF, 0, 0, Rule.ANY);
  if (hasIoClass) plan.add(Call.syscall, ioprioSet, IOPRIO_WHO_PROCESS, SELF, IOPRIO_BEST_EFFORT, Rule.ANY);
  plan.add(Call.open, addressOf(oomPath), O_WRONLY, 0, 0, Rule.OPENS);
  plan.add(Call.write, LAST_OPENED, addressOf(oomScore), oomScore.length - 1, 0, Rule.ANY);
  plan.add(Call.close, LAST_OPENED, 0, 0, 0, Rule.ANY);
}

/** The same in a session of its own. */
export function equipLeader(input: number, output: number, errors: number): Plan {
  const plan = new Plan();
  plan.add(Call.setsid, 0, 0, 0, 0, Rule.ANY);
  equip(plan, input, output, errors);
  return plan;
}

/** In a child: ends it at once. */
export function leaveChild(code: number): void {
  call(Call._exit, code, 0, 0);
}
