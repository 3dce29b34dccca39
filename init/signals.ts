/** The signals that an init answers; lifecycle.md 1.10. */
import { Level, log } from "../sys/log.ts";
import { ignorePipes, ignoreSignal, prepareSignals, Signal, SignalBit, SignalSource } from "../sys/signals.ts";
import { StopWish } from "./platform.ts";

/** What an init takes as events of its loop. */
function ownedSignals(): number {
  const common = SignalBit.TERM + SignalBit.INT + SignalBit.PWR + SignalBit.USR1 + SignalBit.USR2;
  return common + SignalBit.CHLD + SignalBit.RT_HALT + SignalBit.RT_POWEROFF + SignalBit.RT_REBOOT;
}

/** Blocks what InitSignals answers. Before anything else; PID 1 gets no signal with a default action anyway. */
export function blockInitSignals(): void {
  prepareSignals(ownedSignals());
}

/** Ignores what would only disturb. Before the first child: PID 1 itself is spared by the kernel. */
export function ignoreInitSignals(): void {
  ignorePipes();
  ignoreSignal(Signal.HUP);
  ignoreSignal(Signal.QUIT);
  ignoreSignal(Signal.ALRM);
  ignoreSignal(Signal.WINCH);
  ignoreSignal(Signal.TTIN);
  ignoreSignal(Signal.TTOU);
  ignoreSignal(Signal.TSTP);
}

/** The same for an agent that has an init beside it: what concerns the machine is that one's. */
export function prepareBesideSignals(): void {
  prepareSignals(SignalBit.TERM + SignalBit.INT + SignalBit.CHLD);
  ignorePipes();
  ignoreSignal(Signal.HUP);
  ignoreSignal(Signal.USR1);
  ignoreSignal(Signal.USR2);
  ignoreSignal(Signal.PWR);
}

/** Who is told. */
export abstract class SignalSink {
  /** The machine is to end. `why` names the signal. */
  abstract onStop(why: string, wish: StopWish): void;

  /** One child or many have ended. */
  abstract onChild(): void;
}

/** Delivers what `blockInitSignals` has taken. */
export class InitSignals extends SignalSource {
  private readonly sink: SignalSink;
  private readonly isCadIgnored: boolean;

  /** `isCadIgnored`: SIGINT, which is what ctrl-alt-del sends, is only logged. Throws SysError. */
  constructor(sink: SignalSink, isCadIgnored: boolean) {
    super(ownedSignals());
    this.sink = sink;
    this.isCadIgnored = isCadIgnored;
  }

  override onSignal(signal: number): void {
    try {
      this.dispatch(signal);
    } catch (error) {
      // Nothing is to end the delivery of signals.
      log(Level.ERROR, `signal ${signal}: ${error instanceof Error ? error.message : ""}`);
    }
  }

  private dispatch(signal: number): void {
    switch (signal) {
      case Signal.CHLD:
        this.sink.onChild();
        return;
      case Signal.TERM:
        this.sink.onStop("SIGTERM", StopWish.AUTO);
        return;
      case Signal.INT:
        if (this.isCadIgnored) log(Level.INFO, "ctrl-alt-del ignored");
        else this.sink.onStop("SIGINT, ctrl-alt-del", StopWish.AUTO);
        return;
      case Signal.RT_REBOOT:
        this.sink.onStop("SIGRTMIN+5, reboot", StopWish.REBOOT);
        return;
      case Signal.PWR:
        this.sink.onStop("SIGPWR", StopWish.POWEROFF);
        return;
      default:
        // What halt and poweroff commands send. A halted machine would only hang.
        this.sink.onStop(`signal ${signal}, power off`, StopWish.POWEROFF);
    }
  }
}
