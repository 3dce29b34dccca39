/** Work that goes on by itself, and is to rest while a snapshot may be taken; lifecycle.md 5.4. */
export class Background {
  /** Starts it, or goes on with it. Where it runs already nothing changes. */
  readonly start: () => void;
  /** Ends it: when this returns nothing of it is open, and nobody is connected through it. */
  readonly stop: () => void;

  constructor(start: () => void, stop: () => void) {
    this.start = start;
    this.stop = stop;
  }
}
