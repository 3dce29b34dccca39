/** The listeners of PID 1, which wants them all: what cannot be opened yet is tried again every second, for ever. */
import type { Address } from "../sys/address.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Listener } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import { listenErrorText } from "./listening.ts";

const RETRY_MS = 1000;

export class OpenListeners {
  private readonly loop: Loop;
  private onListener: ((listener: Listener) => void) | undefined;
  /** Those that nobody has taken yet. */
  private readonly opened: Listener[] = [];
  private pending: Address[] = [];
  private readonly retry = new Timer(() => this.tryAll(false));

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Opens the addresses that can be opened now, and says nothing of the others: `tryAgain` is to come. */
  open(addresses: Address[]): void {
    this.pending = addresses;
    this.tryAll(false);
  }

  /** From now on `onListener` gets each listener that is open, and owns it. */
  attach(onListener: (listener: Listener) => void): void {
    this.onListener = onListener;
    for (const listener of this.opened.splice(0)) onListener(listener);
  }

  /** The machine is ready: what is missing may be there now, or is worth a line in the log. */
  tryAgain(): void {
    this.tryAll(true);
  }

  /** Gives up what is not open yet. */
  stop(): void {
    this.pending = [];
    this.loop.timers.cancel(this.retry);
  }

  /** One line in the log for a failure, not one a second. */
  private tryAll(isLogged: boolean): void {
    this.pending = this.pending.filter((address) => !this.tryOne(address, isLogged));
    // A timer without a purpose would wake PID 1 after it has shrunk.
    if (this.pending.length > 0) this.loop.timers.start(this.retry, RETRY_MS);
    else this.loop.timers.cancel(this.retry);
  }

  private tryOne(address: Address, isLogged: boolean): boolean {
    try {
      const listener = Listener.open(address);
      log(Level.INFO, `listening on ${address.text}`);
      const onListener = this.onListener;
      if (onListener === undefined) this.opened.push(listener);
      else onListener(listener);
      return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (isLogged) log(Level.WARN, `${listenErrorText(address, error)}; trying again every second`);
      return false;
    }
  }
}
