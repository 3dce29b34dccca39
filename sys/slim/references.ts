// References that a function takes and gives back for nothing.
//
// The compiler takes a reference for each use of a value and gives it back after it. Idle are
//   - one to a string literal, whose count never moves;
//   - one to what stays alive without it from the line that takes it to each line that gives it back (elide);
//   - one taken in place of another that has no further use, which can have the other's (move).
//
// Nothing here changes what is done with an object, only how often its count goes up and down. One function of the
// runtime looks at the count: scr_str_concat appends in place to a string that has a single reference. Where its first
// argument has lost the reference of its own, sc_concat_shared has one for it.

import { BOX, type Effects, effectsOf } from "./effects.ts";
import { flowOf, follow } from "./flow.ts";
import { assigned, type Func, functions, type Program } from "./program.ts";
import { releaseEarly } from "./releases.ts";
import { end, release, retain, unbox, Variables } from "./variables.ts";

const helpers = [
  // Reads a box without taking a reference; the runtime has the same for unions.
  "static inline void *sc_box_peek(const ScrBox *b) { void *p; memcpy(&p, &b->slot, sizeof p); return p; }",
  // Concatenates to a string that others have, too.
  "static __attribute__((noinline)) ScrStr *sc_concat_shared(ScrStr *a, ScrStr *b) {",
  "  scr_str_retain(a);",
  "  ScrStr *result = scr_str_concat(a, b);",
  "  scr_str_release(a);",
  "  return result;",
  "}",
];
const literal = /^\(ScrStr \*\)&sc_(?:lit|unit)_\d+$/;
/** Calls after which C may see what an object holds by its address alone. */
const outside = /\bsc_(?:f|vs)_\w+\(|->fn\)\(|\bmote_\w+\(/;

/** What keeps a value alive: that these variables own theirs, and that nobody changes these parts of them. */
interface Holder { owners: string[]; parts: string[] }

export function dropIdleReferences(program: Program): void {
  const effects = effectsOf(program);
  for (const func of functions(program)) {
    dropImmortal(func, effects.literals);
    const flow = flowOf(func);
    if (flow === undefined) continue;
    const variables = new Variables(func, flow);
    new References(variables, effects).drop();
    releaseEarly(variables);
    func.lines = func.lines.flatMap((line) => (end.test(line) ? [] : line.split("\n")));
  }
  program.splice(program.indexOf("#include <stdlib.h>") + 1, 0, ...helpers);
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
    .replace(/->retain_fn\(\w+->payload\)/, "->payload")
    .replace("scr_box_get_ref(", "sc_box_peek(");
}

/** One function's references. */
class References {
  readonly #of: Variables;
  readonly #lines: string[];
  readonly #changes: Set<string>[];
  /** What holds the value of a variable that owns nothing. */
  readonly #holders = new Map<string, Holder>();

  constructor(variables: Variables, effects: Effects) {
    this.#of = variables;
    this.#lines = variables.lines;
    this.#changes = variables.lines.map((line) => effects.changedBy(line));
  }

  drop(): void {
    for (let at = 1; at < this.#of.last; at++) this.#elide(at);
    for (let at = 1; at < this.#of.last; at++) this.#move(at);
  }

  /** What holds the value of an expression, where it can be told. */
  #holder(value: string): Holder | undefined {
    if (/^sc_[lt]_?\w+$/.test(value)) return this.#holders.get(value) ?? { owners: [value], parts: [] };
    if (/^sc_g_\w+$/.test(value)) return { owners: [], parts: [value] };
    const [, object, field] = /^(sc_[lt]_?\w+)->(sc_fld_\w+)$/.exec(value) ?? [];
    if (object !== undefined && field !== undefined) return this.#partOf(object, field);
    // A union never changes what it holds, nor does what has been caught.
    const whole = /^\(\w+ \*\)(?:scr_union_peek\((sc_[lt]_?\w+)\)|(sc_[lt]_?\w+)->retain_fn\(\2->payload\))$/.exec(value);
    if (whole !== null) return this.#holder(whole[1] ?? whole[2] ?? "");
    const box = /^\(\w+ \*\)scr_box_get_ref\((sc_l_\w+)\)$/.exec(value)?.[1];
    if (box === undefined) return undefined;
    // The closure that is running keeps what it has captured.
    const [from, ...others] = this.#of.linesAssigning(box);
    const isCaptured = from !== undefined && others.length === 0 && this.#lines[from]?.includes("= sc_env->caps[");
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
    if (temporary === undefined || holder === undefined || this.#of.linesAssigning(temporary).length !== 1) return;
    const { name, at } = this.#target(temporary, taken);
    const ends = this.#of.releasesAfter(at, name, (on) => this.#ends(on, holder));
    if (ends === undefined) return;
    // That an owner gives its own back later proves that it has not given it away meanwhile.
    for (const from of ends) {
      if (!holder.owners.every((owner) => this.#isGivenBackAfter(from, owner))) return;
      if (name !== temporary && !this.#of.comesFrom(from, at, name, true)) return;
    }
    this.#of.depend(name, holder.owners);
    this.#of.depend(temporary, holder.owners);
    const others = this.#of.linesAssigning(name).filter((other) => other !== at);
    if (others.every((other) => this.#lines[other]?.includes(" = NULL;"))) this.#holders.set(name, holder);
    this.#lines[taken] = borrowed(line);
    for (const on of ends) this.#lines[on] = `/*end ${name}*/`;
    for (const on of this.#of.linesNaming(name)) this.#lines[on] = this.#lines[on]?.replace(`scr_str_concat(${name},`, `sc_concat_shared(${name},`) ?? "";
  }

  /** Where a reference goes that is taken: a temporary, or the variable that is all the temporary is for, perhaps as its base class. */
  #target(temporary: string, at: number): { name: string; at: number } {
    const local = new RegExp(`^\\s*(?:\\w+ \\*)?(sc_[lt]_?\\w+) = (?:\\(\\w+ \\*\\))?${temporary};`).exec(this.#lines[at + 1] ?? "")?.[1];
    const isOnlyFor = local !== undefined && this.#of.linesNaming(temporary).length === 2;
    return isOnlyFor ? { name: local, at: at + 1 } : { name: temporary, at };
  }

  /** Whether a line ends what keeps a value alive. */
  #ends(at: number, holder: Holder): boolean {
    const line = this.#lines[at] ?? "";
    for (const part of holder.parts) if (this.#changes[at]?.has(part)) return true;
    for (const name of holder.owners) {
      if (!line.includes(name)) continue;
      if (this.#of.assigned(at) === name || this.#of.ended(at) === name) return true;
      if (line.includes(`&${name}`) || line.includes(`scr_str_concat(${name},`)) return true;
    }
    return false;
  }

  #isGivenBackAfter(from: number, name: string): boolean {
    return follow(this.#of.flow.next, from, (on) => {
      if (this.#of.ended(on) === name) return "stop";
      return on === this.#of.last || this.#of.assigned(on) === name ? "fail" : "on";
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
    const watched = this.#of.withDependents(value);
    if (watched.has(name)) return;
    const ends = this.#of.releasesAfter(at, value, (on) => {
      const named = this.#of.names(on);
      return (outside.test(this.#lines[on] ?? "") && !named.includes(name)) || named.some((each) => watched.has(each));
    });
    if (ends === undefined || ends.size === 0) return;
    for (const from of ends) if (!this.#of.comesFrom(from, at, value, false)) return;
    this.#lines[at] = borrowed(line);
    for (const on of ends) this.#lines[on] = "";
  }
}
