/** How long a connection goes without progress of its peer's. */
import { type Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";

export class Patience {
  private readonly loop: Loop;
  private readonly timer: Timer;
  /** When the peer last got on, on the loop's clock; of a head that is coming, when it began. */
  lastProgress: number;

  /** `onTimer` is called when the time is up that was set last, at first `limit` milliseconds, and then sets it anew. */
  constructor(loop: Loop, limit: number, onTimer: () => void) {
    this.loop = loop;
    this.timer = new Timer(onTimer);
    this.set(limit);
    this.lastProgress = loop.timers.now;
  }

  /** The peer has got on. */
  progress(): void {
    this.lastProgress = this.loop.timers.now;
  }

  /** What is left of a limit since the last progress; milliseconds. */
  left(limit: number): number {
    return this.lastProgress + limit - this.loop.timers.now;
  }

  set(milliseconds: number): void {
    this.loop.timers.start(this.timer, milliseconds);
  }

  end(): void {
    this.loop.timers.cancel(this.timer);
  }
}
