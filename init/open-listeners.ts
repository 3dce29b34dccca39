/** The listeners of PID 1, which wants them all: what cannot be opened yet is tried again every second, for ever. */
import type { Address } from "../sys/address.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Listener } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import { listenErrorText } from "./listening.ts";

const RETRY_MS = 1000;

/** Opens the addresses that can be opened now, and says nothing of the others: they are for `OpenListeners`. */
export function openNow(addresses: Address[]): Listener[] {
  const opened: Listener[] = [];
  for (const address of addresses) {
    const listener = tryOpen(address, false);
    if (listener !== undefined) opened.push(listener);
  }
  return opened;
}

/** Undefined where it cannot be opened. */
function tryOpen(address: Address, isLogged: boolean): Listener | undefined {
  try {
    const listener = Listener.open(address);
    log(Level.INFO, `listening on ${address.text}`);
    return listener;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (isLogged) log(Level.WARN, `${listenErrorText(address, error)}; trying again every second`);
    return undefined;
  }
}

export class OpenListeners {
  private readonly loop: Loop;
  private readonly onListener: (listener: Listener) => void;
  private pending: Address[] = [];
  private readonly retry = new Timer(() => this.tryAll(false));

  /** `onListener` gets each listener that is opened, and owns it. */
  constructor(loop: Loop, onListener: (listener: Listener) => void) {
    this.loop = loop;
    this.onListener = onListener;
  }

  /** Says what is to be listened on yet: `tryAgain` is to come. */
  want(addresses: Address[]): void {
    this.pending = addresses;
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
    const listener = tryOpen(address, isLogged);
    if (listener !== undefined) this.onListener(listener);
    return listener !== undefined;
  }
}
