/** SIGINT, SIGTERM and SIGHUP put off until the program has tidied up; signalfd(2). */
import { addressOf, call, ownSignals } from "#libc";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { read } from "./file.ts";
import { SignalBit, signalSet } from "./signals.ts";
import { awaitEither } from "./wait.ts";

const SIG_UNBLOCK = 1;
const SFD_CLOEXEC = 0o2000000;
const SIGINFO_BYTES = 128;
const ALL = SignalBit.HUP + SignalBit.INT + SignalBit.TERM;

/** The program was told to end. The receiver tidies up and calls `die`. */
export class Interrupted extends Error {
  private readonly signal: number;

  constructor(signal: number) {
    super(`interrupted by signal ${signal}`);
    this.signal = signal;
  }

  /** Ends the process by the signal that came, so that its parent sees what happened. */
  die(): void {
    const set = signalSet(ALL);
    call(Call.kill, call(Call.getpid, 0, 0, 0), this.signal, 0);
    call(Call.sigprocmask, SIG_UNBLOCK, addressOf(set), 0);
  }
}

/** From its construction on, the three signals wait until somebody calls `await`. */
export class Interrupts {
  private readonly fd: number;

  constructor() {
    const set = signalSet(ALL);
    ownSignals(set);
    this.fd = check(call(Call.signalfd, -1, addressOf(set), SFD_CLOEXEC), "signalfd", "");
  }

  /** Waits until a descriptor is readable. Throws Interrupted where a signal is there. */
  await(fd: number): void {
    if (!awaitEither(this.fd, fd)) return;
    const info = new Uint8Array(SIGINFO_BYTES);
    read(this.fd, info, 0, SIGINFO_BYTES);
    throw new Interrupted(info[0] ?? 0);
  }
}
