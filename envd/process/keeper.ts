/** Who keeps the descriptors of processes for the next worker, what is said of them, and all else; lifecycle.md 1.13. */
import type { State } from "../../json/state.ts";

export abstract class Keeper {
  /** Whether it is told how processes end that are no children of this one. */
  readonly tellsExits: boolean;
  readonly state: State;

  constructor(tellsExits: boolean, state: State) {
    this.tellsExits = tellsExits;
    this.state = state;
  }

  /** Keeps descriptors, which stay the caller's, and a text that begins with a key and a pid; in place of those of the key. */
  abstract keep(text: string, fds: number[]): void;

  abstract drop(key: string): void;
}
