// References that a function takes and gives back for nothing.
//
// The compiler takes a reference for each use of a value and gives it back after it. Idle are
//   - one to a string literal, whose count never moves;
//   - one to what stays alive without it from the line that takes it to each line that gives it back (elide);
//   - one taken in place of another that has no further use, which can have the other's (move).
//
// Nothing here changes what is done with an object, only how often its count goes up and down. One function of the
// runtime looks at the count: scr_str_concat appends in place to a string that has a single reference. Its first
// argument keeps its own.

import { BOX, type Effects, effectsOf } from "./effects.ts";
import { type Flow, flowOf, follow } from "./flow.ts";
import { assigned, type Func, functions, names, type Program } from "./program.ts";

const retain = /^\s*\w+ \*(sc_t\d+) = (?:sc_retain__\w+|scr_\w+_retain)\((.*)\);(?: \/\*.*\*\/)?$/;
/** What is read from a box comes with a reference, too. */
const unbox = /^\s*\w+ \*(sc_t\d+) = (\(\w+ \*\)scr_box_get_ref\(sc_l_\w+\));(?: \/\*.*\*\/)?$/;
const literal = /^\(ScrStr \*\)&sc_(?:lit|unit)_\d+$/;
const release = /^\s*(?:sc_release__\w+|scr_\w+_release)\((sc_\w+)\);$/;
/** What a release was, of a variable that owns nothing (any more). */
const end = /^\s*\/\*end (sc_\w+)\*\/$/;
/** Calls after which C may see what an object holds by its address alone. */
const outside = /\bsc_(?:f|vs)_\w+\(|->fn\)\(|\bmote_\w+\(/;

/** What keeps a value alive: that these variables own theirs, and that nobody changes these parts of them. */
interface Holder { owners: string[]; parts: string[] }

export function dropIdleReferences(program: Program): void {
  const effects = effectsOf(program);
  for (const func of functions(program)) {
    dropImmortal(func, effects.literals);
    const flow = flowOf(func);
    if (flow !== undefined) new References(func, flow, effects).drop();
  }
}

/** Takes the marks out. */
export function dropMarks(program: Program): void {
  for (const func of functions(program)) func.lines = func.lines.filter((line) => !end.test(line));
}

/** What reads a box without taking a reference; the runtime has the same for unions. */
export function addPeek(program: Program): void {
  program.splice(program.indexOf('#include <stdlib.h>') + 1, 0,
    "static inline void *sc_box_peek(const ScrBox *b) { void *p; memcpy(&p, &b->slot, sizeof p); return p; }");
}

/** References to literals and to the values of unions that hold nothing. */
function dropImmortal(func: Func, literals: Set<string>): void {
  const values = new Set<string>();
  func.lines.forEach((line, at) => {
    const unit = /^\s*ScrUnion \*(sc_t\d+) = \(ScrUnion \*\)&sc_unit_\d+;/.exec(line)?.[1];
    const [, name = unit, value] = retain.exec(line) ?? [];
    if (name === undefined || (name !== unit && !literal.test(value ?? "") && !literals.has(value ?? ""))) return;
    if (func.lines.filter((other) => assigned(other) === name).length > 1) return;
    values.add(name);
    func.lines[at] = borrowed(line);
  });
  func.lines = func.lines.map((line) => (values.has(release.exec(line)?.[1] ?? "") ? "" : line));
}

/** The line without the reference that it takes. */
function borrowed(line: string): string {
  return line
    .replace(/ = (?:sc_retain__\w+|scr_\w+_retain)\((.*)\);/, (_, value) => ` = ${value};`)
    .replace("scr_box_get_ref(", "sc_box_peek(");
}

/** One function's references. */
class References {
  readonly #lines: string[];
  readonly #flow: Flow;
  readonly #last: number;
  readonly #changes: Set<string>[];
  /** Each variable's lines: where it is named, where it is assigned. */
  readonly #named = new Map<string, number[]>();
  readonly #assigned = new Map<string, number[]>();
  /** Variables that point to what another one owns, or to a part of it. */
  readonly #dependents = new Map<string, Set<string>>();
  /** What holds the value of a variable that owns nothing. */
  readonly #holders = new Map<string, Holder>();

  constructor(func: Func, flow: Flow, effects: Effects) {
    this.#lines = func.lines;
    this.#flow = flow;
    this.#last = func.lines.length - 1;
    this.#changes = func.lines.map((line) => effects.changedBy(line));
    func.lines.forEach((line, at) => {
      for (const name of new Set(names(line))) push(this.#named, name, at);
      const name = assigned(line);
      if (name !== undefined) push(this.#assigned, name, at);
      const isPointer = /^\s*(?:\w+ \*)?sc_/.test(line) && !retain.test(line) && !unbox.test(line);
      if (name !== undefined && isPointer && !/= [^(]*\w\(/.test(line)) this.#depend(name, names(line));
    });
  }

  drop(): void {
    for (let at = 1; at < this.#last; at++) this.#elide(at);
    for (let at = 1; at < this.#last; at++) this.#move(at);
  }

  #depend(name: string, owners: string[]): void {
    for (const owner of owners) if (owner !== name) this.#dependents.set(owner, (this.#dependents.get(owner) ?? new Set()).add(name));
  }

  #isAssignedOnce(name: string): boolean {
    return this.#assigned.get(name)?.length === 1;
  }

  /** What holds the value of an expression, where it can be told. */
  #holder(value: string): Holder | undefined {
    if (/^sc_[lt]_?\w+$/.test(value)) return this.#holders.get(value) ?? { owners: [value], parts: [] };
    if (/^sc_g_\w+$/.test(value)) return { owners: [], parts: [value] };
    const [, object, field] = /^(sc_[lt]_?\w+)->(sc_fld_\w+)$/.exec(value) ?? [];
    if (object !== undefined && field !== undefined) return this.#partOf(object, field);
    // A union never changes what it holds.
    const union = /^\(\w+ \*\)scr_union_peek\((sc_[lt]_?\w+)\)$/.exec(value)?.[1];
    if (union !== undefined) return this.#holder(union);
    const box = /^\(\w+ \*\)scr_box_get_ref\((sc_l_\w+)\)$/.exec(value)?.[1];
    if (box === undefined) return undefined;
    // The closure that is running keeps what it has captured.
    const isCaptured = this.#isAssignedOnce(box) && (this.#assigned.get(box) ?? []).every((at) => this.#lines[at]?.includes("= sc_env->caps["));
    return isCaptured ? { owners: [], parts: [BOX] } : this.#partOf(box, BOX);
  }

  #partOf(object: string, part: string): Holder | undefined {
    const whole = this.#holder(object);
    return whole === undefined ? undefined : { owners: whole.owners, parts: [...whole.parts, part] };
  }

  /** A reference to what is alive anyway, from where it is taken to wherever it is given back. */
  #elide(taken: number): void {
    const line = this.#lines[taken] ?? "";
    const [, temporary, value] = retain.exec(line) ?? unbox.exec(line) ?? [];
    const holder = value === undefined ? undefined : this.#holder(value);
    if (temporary === undefined || value === undefined || holder === undefined || !this.#isAssignedOnce(temporary)) return;
    const { name, at } = this.#target(temporary, taken);
    if (this.#isAppendedTo(name)) return;
    const ends = new Set<number>();
    const isGivenBack = follow(this.#flow.next, at, (on) => {
      if (on === this.#last || on === at || assigned(this.#lines[on] ?? "") === name) return "fail";
      if (this.#released(on) === name) {
        ends.add(on);
        return "stop";
      }
      return this.#ends(on, holder) ? "fail" : "on";
    });
    if (!isGivenBack) return;
    // That an owner gives its own back later proves that it has not given it away meanwhile.
    for (const from of ends) {
      if (!holder.owners.every((owner) => this.#isGivenBackAfter(from, owner))) return;
      if (name !== temporary && !this.#comesFrom(from, at, name)) return;
    }
    this.#depend(name, holder.owners);
    this.#depend(temporary, holder.owners);
    const others = (this.#assigned.get(name) ?? []).filter((other) => other !== at);
    if (others.every((other) => this.#lines[other]?.includes(" = NULL;"))) this.#holders.set(name, holder);
    this.#lines[taken] = borrowed(line);
    for (const on of ends) this.#lines[on] = `/*end ${name}*/`;
  }

  /** Where a reference goes that is taken: a temporary, or the local variable that is all the temporary is for. */
  #target(temporary: string, at: number): { name: string; at: number } {
    const local = new RegExp(`^\\s*(sc_l_\\w+) = ${temporary};`).exec(this.#lines[at + 1] ?? "")?.[1];
    return local === undefined || this.#named.get(temporary)?.length !== 2 ? { name: temporary, at } : { name: local, at: at + 1 };
  }

  /** Whether a line only comes after another one, or where the variable is NULL. */
  #comesFrom(line: number, origin: number, name: string): boolean {
    return follow(this.#flow.previous, line, (on) => {
      if (on === origin) return "stop";
      if (assigned(this.#lines[on] ?? "") === name) return / = NULL;/.test(this.#lines[on] ?? "") ? "stop" : "fail";
      return on === 0 ? "fail" : "on";
    });
  }

  #released(at: number): string | undefined {
    return release.exec(this.#lines[at] ?? "")?.[1];
  }

  #isAppendedTo(name: string): boolean {
    return (this.#named.get(name) ?? []).some((at) => this.#lines[at]?.includes(`scr_str_concat(${name},`));
  }

  /** Whether a line ends what keeps a value alive. */
  #ends(at: number, holder: Holder): boolean {
    const line = this.#lines[at] ?? "";
    for (const part of holder.parts) if (this.#changes[at]?.has(part)) return true;
    for (const name of holder.owners) {
      if (!line.includes(name)) continue;
      if (assigned(line) === name || this.#released(at) === name || end.exec(line)?.[1] === name) return true;
      if (line.includes(`&${name}`) || line.includes(`scr_str_concat(${name},`)) return true;
    }
    return false;
  }

  #isGivenBackAfter(from: number, name: string): boolean {
    return follow(this.#flow.next, from, (on) => {
      if (this.#released(on) === name || end.exec(this.#lines[on] ?? "")?.[1] === name) return "stop";
      return on === this.#last || assigned(this.#lines[on] ?? "") === name ? "fail" : "on";
    });
  }

  /**
   * A reference taken from a variable that is only released afterwards: the variable's own goes over. Not across a call
   * that does not get it, which might go by an address within what the variable kept alive.
   */
  #move(at: number): void {
    const line = this.#lines[at] ?? "";
    const [, name, value] = retain.exec(line) ?? [];
    if (name === undefined || value === undefined || !/^sc_[lt]_?\w+$/.test(value)) return;
    const watched = this.#all(value);
    if (watched.has(name)) return;
    const ends = new Set<number>();
    const isUnused = follow(this.#flow.next, at, (on) => {
      const other = this.#lines[on] ?? "";
      if (on === this.#last || on === at || (outside.test(other) && !names(other).includes(name))) return "fail";
      if (this.#released(on) === value) {
        ends.add(on);
        return "stop";
      }
      return names(other).some((each) => watched.has(each)) ? "fail" : "on";
    });
    if (!isUnused || ends.size === 0) return;
    for (const from of ends) if (!this.#comesOnlyFrom(from, at, value)) return;
    this.#lines[at] = borrowed(line);
    for (const on of ends) this.#lines[on] = "";
  }

  #comesOnlyFrom(line: number, origin: number, name: string): boolean {
    return follow(this.#flow.previous, line, (on) => {
      if (on === origin) return "stop";
      return on === 0 || assigned(this.#lines[on] ?? "") === name ? "fail" : "on";
    });
  }

  /** A variable and all that depend on it. */
  #all(name: string): Set<string> {
    const result = new Set<string>([name]);
    for (const each of result) for (const dependent of this.#dependents.get(each) ?? []) result.add(dependent);
    return result;
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
