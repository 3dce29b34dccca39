// The variables of one function: where each is assigned, named and released, and what depends on what it owns.

import { type Flow, follow } from "./flow.ts";
import { assigned, type Func, names } from "./program.ts";

export const retain = /^\s*\w+ \*(sc_t\d+) = (?:sc_retain__\w+|scr_\w+_retain)\((.*)\);(?: \/\*.*\*\/)?$/;
/** What is read from a box, or from what has been caught, comes with a reference, too. */
export const unbox = /^\s*\w+ \*(sc_t\d+) = (\(\w+ \*\)(?:scr_box_get_ref\(sc_l_\w+\)|sc_\w+->retain_fn\(sc_\w+->payload\)));(?: \/\*.*\*\/)?$/;
export const release = /^\s*(?:sc_release__\w+|scr_\w+_release)\((sc_\w+)\);$/;
/** What a release was, of a variable that owns nothing (any more). */
export const end = /^\s*\/\*end (sc_\w+)\*\/$/;

export class Variables {
  readonly lines: string[];
  readonly flow: Flow;
  readonly last: number;
  readonly #named = new Map<string, number[]>();
  readonly #assigned = new Map<string, number[]>();
  /** Variables that point to what another one owns, or to a part of it. */
  readonly #dependents = new Map<string, Set<string>>();

  constructor(func: Func, flow: Flow) {
    this.lines = func.lines;
    this.flow = flow;
    this.last = func.lines.length - 1;
    func.lines.forEach((line, at) => {
      for (const name of new Set(names(line))) push(this.#named, name, at);
      const name = assigned(line);
      if (name === undefined) return;
      push(this.#assigned, name, at);
      const isCounted = retain.test(line) || unbox.test(line) || /= [^(]*\w\(/.test(line);
      if (/^\s*(?:\w+ \*)?sc_/.test(line) && !isCounted) this.depend(name, names(line));
    });
  }

  /** Says that a variable points to what others own. */
  depend(name: string, owners: string[]): void {
    for (const owner of owners) if (owner !== name) this.#dependents.set(owner, (this.#dependents.get(owner) ?? new Set()).add(name));
  }

  /** A variable and all that depend on it. */
  withDependents(name: string): Set<string> {
    const result = new Set<string>([name]);
    for (const each of result) for (const dependent of this.#dependents.get(each) ?? []) result.add(dependent);
    return result;
  }

  linesNaming(name: string): number[] {
    return this.#named.get(name) ?? [];
  }

  linesAssigning(name: string): number[] {
    return this.#assigned.get(name) ?? [];
  }

  names(at: number): string[] {
    return names(this.lines[at] ?? "");
  }

  assigned(at: number): string | undefined {
    return assigned(this.lines[at] ?? "");
  }

  released(at: number): string | undefined {
    return release.exec(this.lines[at] ?? "")?.[1];
  }

  /** The variable whose value is no longer needed from a line on, released there or not. */
  ended(at: number): string | undefined {
    return this.released(at) ?? end.exec(this.lines[at] ?? "")?.[1];
  }

  /**
   * The lines that release a variable next after a line, if every path comes to one before it comes to the end, to a
   * line that `fails`, or back.
   */
  releasesAfter(at: number, name: string, fails: (line: number) => boolean): Set<number> | undefined {
    const ends = new Set<number>();
    const isReleased = follow(this.flow.next, at, (on) => {
      if (on === this.last || on === at || this.assigned(on) === name) return "fail";
      if (this.released(on) === name) {
        ends.add(on);
        return "stop";
      }
      return fails(on) ? "fail" : "on";
    });
    return isReleased ? ends : undefined;
  }

  /** Whether every path to a line comes over `origin` with the value that the variable has there; or it is NULL, if it may. */
  comesFrom(line: number, origin: number, name: string, mayBeNull: boolean): boolean {
    return follow(this.flow.previous, line, (on) => {
      if (on === origin) return "stop";
      if (this.assigned(on) === name) return mayBeNull && / = NULL;/.test(this.lines[on] ?? "") ? "stop" : "fail";
      return on === 0 ? "fail" : "on";
    });
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
