/** Who keeps the descriptors of processes for the next worker, and what is said of them; lifecycle.md 1.13. */

export abstract class Keeper {
  /** Whether it is told how processes end that are no children of this one. */
  readonly tellsExits: boolean;

  constructor(tellsExits: boolean) {
    this.tellsExits = tellsExits;
  }

  /** Keeps descriptors, which stay the caller's, and a text that begins with a key and a pid; in place of those of the key. */
  abstract keep(text: string, fds: number[]): void;

  abstract drop(key: string): void;
}
