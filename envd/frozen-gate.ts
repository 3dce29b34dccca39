/** Holds an upload back while the root is frozen: a write would hold up all of the agent, and the call that thaws with it. */
import type { Exchange } from "../http/exchange.ts";
import { BodyReader } from "../http/roles.ts";
import { isRootFrozen } from "../sys/fsfreeze.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";

/** How often to look whether it is thawed; milliseconds. */
export const FROZEN_PAUSE_MS = 50;

export class FrozenGate extends BodyReader {
  private readonly loop: Loop;
  private readonly exchange: Exchange;
  private readonly inner: BodyReader;
  private readonly timer = new Timer(() => this.goOn());
  private isWhole = false;

  constructor(loop: Loop, exchange: Exchange, inner: BodyReader) {
    super();
    this.loop = loop;
    this.exchange = exchange;
    this.inner = inner;
  }

  override onBody(bytes: Uint8Array, start: number, end: number): number {
    if (!isRootFrozen()) return this.inner.onBody(bytes, start, end);
    this.loop.timers.start(this.timer, FROZEN_PAUSE_MS);
    return 0;
  }

  override onBodyEnd(): void {
    if (!isRootFrozen()) return this.inner.onBodyEnd();
    this.isWhole = true;
    this.loop.timers.start(this.timer, FROZEN_PAUSE_MS);
  }

  override onBodyLost(): void {
    this.loop.timers.cancel(this.timer);
    this.inner.onBodyLost();
  }

  private goOn(): void {
    if (!this.isWhole) this.exchange.resume();
    else if (this.exchange.isOpen) this.onBodyEnd();
    else this.inner.onBodyLost();
  }
}
