/** Work that is done one at a time, in the order in which it came. */

export class Turn {
  /** Called when it is this one's turn, which lasts until `Turns.end`. */
  readonly onBegin: () => void;

  constructor(onBegin: () => void) {
    this.onBegin = onBegin;
  }
}

export class Turns {
  private readonly waiting: Turn[] = [];
  private current: Turn | undefined;
  private isAdvancing = false;

  /** Begins a turn now, or when those before it have ended. */
  enter(turn: Turn): void {
    this.waiting.push(turn);
    this.advance();
  }

  /** The turn has ended. */
  end(): void {
    this.current = undefined;
    this.advance();
  }

  /** One that still waits is not to come any more. Returns whether it waited. */
  leave(turn: Turn): boolean {
    const place = this.waiting.indexOf(turn);
    if (place >= 0) this.waiting.splice(place, 1);
    return place >= 0;
  }

  /** A turn may end before it has returned: no recursion. */
  private advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      while (this.current === undefined) {
        const next = this.waiting.shift();
        if (next === undefined) break;
        this.current = next;
        next.onBegin();
      }
    } finally {
      this.isAdvancing = false;
    }
  }
}
