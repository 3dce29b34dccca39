/** Signals as a descriptor of the loop, signalfd(2), and what a child starts with. */
import { addressOf, call, ownSignals } from "#libc";
import { writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { read } from "./file.ts";
import { Source } from "./loop.ts";
import { type Plan, Rule } from "./plan.ts";

export const enum Signal {
  HUP = 1,
  INT = 2,
  QUIT = 3,
  KILL = 9,
  USR1 = 10,
  USR2 = 12,
  PIPE = 13,
  ALRM = 14,
  TERM = 15,
  CHLD = 17,
  CONT = 18,
  STOP = 19,
  TSTP = 20,
  TTIN = 21,
  TTOU = 22,
  XFSZ = 25,
  WINCH = 28,
  PWR = 30,
  // What systemd's commands send to an init: glibc's SIGRTMIN+3, +4 and +5.
  RT_HALT = 37,
  RT_POWEROFF = 38,
  RT_REBOOT = 39,
}

const SIG_SETMASK = 2;
const SIG_DFL = 0;
const SIG_IGN = 1;
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
const SIGINFO_BYTES = 128;
const LAST_SIGNAL = 64;

/** Members of a sigset, to be added up. */
export const enum SignalBit {
  NONE = 0,
  HUP = 0x1,
  INT = 0x2,
  USR1 = 0x200,
  USR2 = 0x800,
  TERM = 0x4000,
  CHLD = 0x10000,
  PWR = 0x20000000,
  RT_HALT = 0x1000000000,
  RT_POWEROFF = 0x2000000000,
  RT_REBOOT = 0x4000000000,
}

/** A sigset: 128 bytes in libc, of which the kernel reads eight. */
export function signalSet(bits: number): Uint8Array {
  const set = new Uint8Array(128);
  writeWord(new DataView(set.buffer), 0, bits);
  return set;
}

/**
 * Takes the signals that this process answers itself, a sum of SignalBit members, out of the hands of their default
 * actions, and unblocks all others: a mask outlives execve(2).
 */
export function prepareSignals(signals: number): void {
  ownSignals(signalSet(signals));
}

/** Has writing to a closed pipe or past a limit become EPIPE or EFBIG. */
export function ignorePipes(): void {
  ignoreSignal(Signal.PIPE);
  ignoreSignal(Signal.XFSZ);
}

/** The signals that this process ignores, and its children do not; zero where there are no more. */
const ignored = new Uint8Array(16);

/** Ignores a signal, in this process alone. At most sixteen of them. */
export function ignoreSignal(signal: Signal): void {
  call(Call.signal, signal, SIG_IGN, 0);
  for (let i = 0; i < ignored.length; i++) {
    if (ignored[i] === signal) return;
    if (ignored[i] !== 0) continue;
    ignored[i] = signal;
    return;
  }
}

function isIgnored(signal: number): boolean {
  for (let i = 0; i < ignored.length; i++) {
    if (ignored[i] === signal) return true;
  }
  return false;
}

/**
 * Puts back to default what the parent of this process had it ignore, which children would inherit. Once, before the
 * first fork: it takes a while.
 */
export function dropInheritedDispositions(): void {
  ignorePipes();
  const action = new Uint8Array(152);
  const handler = new DataView(action.buffer);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    if (isIgnored(signal) || call(Call.sigaction, signal, 0, addressOf(action)) < 0) continue;
    if (handler.getUint32(0, true) === SIG_IGN && handler.getUint32(4, true) === 0) call(Call.signal, signal, SIG_DFL, 0);
  }
}

const emptySet = signalSet(SignalBit.NONE);

/** In a child: what this process ignores gets its default action. Allocates nothing. */
export function resetDispositions(): void {
  for (let i = 0; i < ignored.length; i++) {
    const signal = ignored[i] ?? 0;
    if (signal === 0) break;
    call(Call.signal, signal, SIG_DFL, 0);
  }
}

/** Adds to the plan of a child: default dispositions and an empty mask. */
export function planSignals(plan: Plan): void {
  for (let i = 0; i < ignored.length; i++) {
    const signal = ignored[i] ?? 0;
    if (signal === 0) break;
    plan.add(Call.signal, signal, SIG_DFL, 0, 0, Rule.ANY);
  }
  plan.add(Call.sigprocmask, SIG_SETMASK, addressOf(emptySet), 0, 0, Rule.ANY);
}

/** Delivers signals that `prepareSignals` has taken as events of the loop. */
export abstract class SignalSource extends Source {
  private readonly info = new Uint8Array(SIGINFO_BYTES);

  /** Takes a sum of SignalBit members, which `prepareSignals` has been given. Throws SysError. */
  constructor(signals: number) {
    const set = signalSet(signals);
    super(check(call(Call.signalfd, -1, addressOf(set), SFD_NONBLOCK | SFD_CLOEXEC), "signalfd", ""));
  }

  abstract onSignal(signal: number): void;

  override onReady(_ready: number): void {
    if (read(this.fd, this.info, 0, SIGINFO_BYTES) !== SIGINFO_BYTES) return;
    this.onSignal(this.info[0] ?? 0);
  }
}
