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

import { type Flow, flowOf, follow } from "./flow.ts";
import { assigned, type Func, functions, names, type Program } from "./program.ts";

const retain = /^\s*\w+ \*(sc_t\d+) = (?:sc_retain__\w+|scr_\w+_retain)\((.*)\);(?: \/\*.*\*\/)?$/;
const literal = /^\(ScrStr \*\)&sc_lit_\d+$/;
const release = /^\s*(?:sc_release__\w+|scr_\w+_release)\((sc_\w+)\);$/;
/** What a release was, of a variable that no longer owns anything. */
const end = /^\s*\/\*end (sc_\w+)\*\/$/;

/** What keeps a value alive: a variable that owns it, a lasting part of what a variable owns, or the program itself. */
interface Holder { variable: string | undefined }

export function dropIdleReferences(program: Program): void {
  const lasting = lastingOf(program);
  for (const func of functions(program)) {
    dropLiterals(func, lasting.literals);
    const flow = flowOf(func);
    if (flow !== undefined) new References(func, flow, lasting).drop();
  }
}

/** Takes the marks out. */
export function dropMarks(program: Program): void {
  for (const func of functions(program)) func.lines = func.lines.filter((line) => !end.test(line));
}

function dropLiterals(func: Func, literals: Set<string>): void {
  const values = new Set<string>();
  func.lines.forEach((line, at) => {
    const [, name, value] = retain.exec(line) ?? [];
    if (name === undefined || value === undefined || !(literal.test(value) || literals.has(value))) return;
    if (func.lines.filter((other) => assigned(other) === name).length > 1) return;
    values.add(name);
    func.lines[at] = line.replace(/scr_str_retain\((.*)\);/, (_, text) => `${text};`);
  });
  func.lines = func.lines.map((line) => (values.has(release.exec(line)?.[1] ?? "") ? "" : line));
}

/** What lasts as long as the program, or as the object that it is a field of. */
interface Lasting { literals: Set<string>; globals: Set<string>; fields: Set<string> }

/**
 * A variable of a module that only its initialization assigns, once, holds its value until the end; and no other function
 * is halfway through while that happens. A field that only constructors assign, through `this`, holds its value as long
 * as there is the object, for everybody but a constructor.
 */
function lastingOf(program: Program): Lasting {
  const literals = new Set<string>(), globals = new Set<string>(), fields = new Set<string>();
  const assignments = new Map<string, number>();
  const changing = new Set<string>();
  for (const item of program) {
    if (typeof item === "string") {
      const constant = /^static ScrStr \*const (sc_g_\w+) = /.exec(item)?.[1];
      if (constant !== undefined) literals.add(constant);
      for (const [, field] of item.matchAll(/\b(sc_fld_\w+);/g)) if (field !== undefined) fields.add(field);
      continue;
    }
    const isInit = item.name.startsWith("sc_f__x25_init_"), isConstructor = item.name.endsWith("_constructor");
    const self = new Set<string>();
    for (const line of item.lines) {
      const name = assigned(line);
      if (name?.startsWith("sc_g_")) assignments.set(name, (assignments.get(name) ?? 0) + (isInit ? 1 : 2));
      if (name !== undefined && /= (?:sc_retain__\w+\()?sc_l_this_0\)?;/.test(line)) self.add(name);
      for (const [, object, field] of line.matchAll(/\b(\w+)->(sc_fld_\w+) (?:=|[-+|&*/]=)[^=]/g)) {
        if (object === undefined || field === undefined || item.name.startsWith("sc_new_")) continue;
        if (!isConstructor || !self.has(object)) changing.add(field);
      }
      for (const [, field] of line.matchAll(/&\w+->(sc_fld_\w+)/g)) if (field !== undefined) changing.add(field);
    }
  }
  for (const [name, count] of assignments) if (count === 1) globals.add(name);
  for (const field of changing) fields.delete(field);
  return { literals, globals, fields };
}

/** One function's references. */
class References {
  readonly #lines: string[];
  readonly #flow: Flow;
  readonly #lasting: Lasting;
  readonly #mayUseLasting: { globals: boolean; fields: boolean };
  readonly #last: number;
  /** Each variable's lines: where it is named, where it is assigned. */
  readonly #named = new Map<string, number[]>();
  readonly #assigned = new Map<string, number[]>();
  /** Variables that point to what another one owns, or to a part of it. */
  readonly #dependents = new Map<string, Set<string>>();

  constructor(func: Func, flow: Flow, lasting: Lasting) {
    this.#lines = func.lines;
    this.#flow = flow;
    this.#lasting = lasting;
    this.#mayUseLasting = { globals: !func.name.startsWith("sc_f__x25_init_"), fields: !func.name.endsWith("_constructor") };
    this.#last = func.lines.length - 1;
    func.lines.forEach((line, at) => {
      for (const name of names(line)) push(this.#named, name, at);
      const name = assigned(line);
      if (name !== undefined) push(this.#assigned, name, at);
      if (name !== undefined && !retain.test(line) && /^\s*\w+ \*/.test(line) && !/= [^(]*\w\(/.test(line)) this.#depend(name, line);
    });
  }

  drop(): void {
    for (let at = 1; at < this.#last; at++) this.#elide(at);
    for (let at = 1; at < this.#last; at++) this.#move(at);
  }

  #depend(name: string, line: string): void {
    for (const other of names(line)) {
      if (other === name) continue;
      const set = this.#dependents.get(other) ?? new Set();
      set.add(name);
      this.#dependents.set(other, set);
    }
  }

  /** What holds the value of an expression. */
  #holder(value: string): Holder | undefined {
    if (/^sc_[lt]_?\w+$/.test(value)) return { variable: value };
    if (/^sc_g_\w+$/.test(value)) return this.#lasting.globals.has(value) && this.#mayUseLasting.globals ? { variable: undefined } : undefined;
    const [, object, field] = /^(sc_[lt]_?\w+)->(sc_fld_\w+)$/.exec(value) ?? [];
    if (object !== undefined && field !== undefined) return this.#lasting.fields.has(field) && this.#mayUseLasting.fields ? { variable: object } : undefined;
    // A union never changes what it holds.
    const union = /^\(\w+ \*\)scr_union_peek\((sc_[lt]_?\w+)\)$/.exec(value)?.[1];
    return union === undefined ? undefined : { variable: union };
  }

  /** A reference to what is alive anyway, from where it is taken to wherever it is given back. */
  #elide(at: number): void {
    const line = this.#lines[at] ?? "";
    const [, name, value] = retain.exec(line) ?? [];
    const holder = value === undefined ? undefined : this.#holder(value);
    if (name === undefined || value === undefined || holder === undefined || this.#assigned.get(name)?.length !== 1) return;
    if (this.#isAppendedTo(name)) return;
    const ends = new Set<number>();
    const isGivenBack = follow(this.#flow.next, at, (on) => {
      if (on === this.#last || on === at) return "fail";
      if (this.#released(on) === name) {
        ends.add(on);
        return "stop";
      }
      return holder.variable !== undefined && this.#endsOwnership(on, holder.variable) ? "fail" : "on";
    });
    if (!isGivenBack) return;
    if (holder.variable !== undefined) {
      // That the holder gives its own back later proves that it has not given it away meanwhile.
      const owner = holder.variable;
      for (const from of ends) if (!this.#isGivenBackAfter(from, owner)) return;
      this.#depend(name, `${name} ${owner}`);
    }
    this.#lines[at] = line.replace(/(?:sc_retain__\w+|scr_\w+_retain)\((.*)\);/, (_, text) => `${text};`);
    for (const on of ends) this.#lines[on] = `/*end ${name}*/`;
  }

  #released(at: number): string | undefined {
    return release.exec(this.#lines[at] ?? "")?.[1];
  }

  #isAppendedTo(name: string): boolean {
    return (this.#named.get(name) ?? []).some((at) => this.#lines[at]?.includes(`scr_str_concat(${name},`));
  }

  /** Whether a line ends what a variable holds, or changes it. */
  #endsOwnership(at: number, name: string): boolean {
    const line = this.#lines[at] ?? "";
    if (!line.includes(name)) return false;
    return assigned(line) === name || this.#released(at) === name || end.exec(line)?.[1] === name ||
      line.includes(`&${name}`) || line.includes(`scr_str_concat(${name},`);
  }

  #isGivenBackAfter(from: number, name: string): boolean {
    return follow(this.#flow.next, from, (on) => {
      if (this.#released(on) === name || end.exec(this.#lines[on] ?? "")?.[1] === name) return "stop";
      return on === this.#last || assigned(this.#lines[on] ?? "") === name ? "fail" : "on";
    });
  }

  /** A reference taken from a variable that is only released afterwards: the variable's own goes over. */
  #move(at: number): void {
    const line = this.#lines[at] ?? "";
    const [, name, value] = retain.exec(line) ?? [];
    if (name === undefined || value === undefined || !/^sc_[lt]_?\w+$/.test(value)) return;
    const watched = this.#all(value);
    if (watched.has(name)) return;
    const ends = new Set<number>();
    const isUnused = follow(this.#flow.next, at, (on) => {
      if (on === this.#last || on === at) return "fail";
      if (this.#released(on) === value) {
        ends.add(on);
        return "stop";
      }
      return names(this.#lines[on] ?? "").some((other) => watched.has(other)) ? "fail" : "on";
    });
    if (!isUnused || ends.size === 0) return;
    // Each of those releases must come after this line only.
    for (const from of ends) {
      const isOurs = follow(this.#flow.previous, from, (on) => {
        if (on === at) return "stop";
        return on === 0 || assigned(this.#lines[on] ?? "") === value ? "fail" : "on";
      });
      if (!isOurs) return;
    }
    this.#lines[at] = line.replace(/(?:sc_retain__\w+|scr_\w+_retain)\((.*)\);/, (_, text) => `${text};`);
    for (const on of ends) this.#lines[on] = "";
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
