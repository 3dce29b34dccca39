/** Who keeps the descriptors of processes for the next worker, what is said of them, and all else; lifecycle.md 1.13. */
import type { State } from "../../json/state.ts";
import type { Temporaries } from "../../json/temporaries.ts";

export abstract class Keeper {
  /** Whether it is told how processes end that are no children of this one. */
  readonly tellsExits: boolean;
  readonly state: State;
  readonly temporaries: Temporaries;

  constructor(tellsExits: boolean, state: State, temporaries: Temporaries) {
    this.tellsExits = tellsExits;
    this.state = state;
    this.temporaries = temporaries;
  }

  /** Keeps descriptors, which stay the caller's, and a text that begins with a key and a pid; in place of those of the key. */
  abstract keep(text: string, fds: number[]): void;

  abstract drop(key: string): void;
}
