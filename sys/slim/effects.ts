// What a statement may change: fields, variables of modules, captured variables ("box"), itself or by what it calls.

import { addressTaken, assigned, type Func, functions, type Program, slotsOf } from "./program.ts";

export interface Effects {
  /** Variables of modules that hold a string literal. */
  literals: Set<string>;
  /** The names of all that a line may change. */
  changedBy(line: string): Set<string>;
}

/** Any box that a closure shares; which one is not told apart. */
export const BOX = "box";
const CLOSURES = "closures";

export function effectsOf(program: Program): Effects {
  const lasting = lastingOf(program);
  const slots = slotsOf(program);
  const own = new Map<string, Set<string>>();
  const calls = new Map<string, Set<string>>();
  calls.set(CLOSURES, addressTaken(program));
  const boxes = singleBoxes(program);
  for (const func of functions(program)) {
    const changes = new Set<string>(), callees = new Set<string>();
    for (const line of func.lines.slice(1)) {
      for (const name of direct(line)) if (!lasting.has(name)) changes.add(name);
      if (/scr_box_set_\w+\(/.test(line) && !boxes.has(`${func.name} ${boxOf(line)}`)) changes.add(BOX);
      for (const callee of calledBy(line)) callees.add(callee);
    }
    own.set(func.name, changes);
    calls.set(func.name, callees);
    const slot = slots.get(func.name);
    if (slot !== undefined) calls.set(slot, (calls.get(slot) ?? new Set()).add(func.name));
  }
  const all = spread(own, calls);
  const literals = new Set<string>();
  for (const item of program) {
    const literal = typeof item === "string" ? /^static ScrStr \*const (sc_g_\w+) = /.exec(item)?.[1] : undefined;
    if (literal !== undefined) literals.add(literal);
  }
  return {
    literals,
    changedBy(line) {
      const result = new Set(direct(line));
      if (line.includes("scr_box_set_")) result.add(BOX);
      for (const callee of calledBy(line)) for (const name of all.get(callee) ?? []) result.add(name);
      return result;
    },
  };
}

function direct(line: string): string[] {
  const result: string[] = [];
  for (const [, field] of line.matchAll(/->(sc_fld_\w+) (?:=|[-+|&*/]=)[^=]/g)) if (field !== undefined) result.push(field);
  for (const [, field] of line.matchAll(/(?:&|_release\()\w+->(sc_fld_\w+)/g)) if (field !== undefined) result.push(field);
  for (const [, name] of line.matchAll(/(?:&|_release\()(sc_g_\w+)/g)) if (name !== undefined) result.push(name);
  const name = assigned(line);
  if (name?.startsWith("sc_g_")) result.push(name);
  return result;
}

/** The runtime's functions that never call back: those about values and about exceptions. */
const values = new Set("arr bit box bytes caught closure cyc dataview error exc f64 map math num obj parse rethrow str string text throw trap union".split(" "));

/** Functions of the program, slots of vtables, or closures. */
function calledBy(line: string): string[] {
  const result: string[] = line.match(/\bsc_(?:f|vm|vs)_\w+(?=\()/g) ?? [];
  const mayCallBack = [...line.matchAll(/\bscr_([a-z0-9]+)\w*\(/g)].some(([, family]) => family !== undefined && !values.has(family));
  if (line.includes("->fn)(") || mayCallBack) result.push(CLOSURES);
  return result;
}

function boxOf(line: string): string | undefined {
  return /scr_box_set_\w+\((sc_l_\w+),/.exec(line)?.[1];
}

/**
 * Boxes, as "FUNCTION VARIABLE", that a function makes and that are set once after that: whoever has looked into such a
 * box before has found nothing in it.
 */
function singleBoxes(program: Program): Set<string> {
  const result = new Set<string>();
  for (const func of functions(program)) {
    const sets = new Map<string, number[]>();
    func.lines.forEach((line, at) => {
      const box = boxOf(line);
      if (box !== undefined) sets.set(box, [...(sets.get(box) ?? []), at]);
    });
    func.lines.forEach((line, at) => {
      const made = /^\s*(?:ScrBox \*)?(sc_l_\w+) = scr_box_new\w*\(/.exec(line)?.[1] ?? "";
      const [set, ...others] = sets.get(made) ?? [];
      if (set === undefined || others.length > 0 || set < at) return;
      if (!func.lines.slice(at, set).some((between) => between.includes("for (;;)"))) result.add(`${func.name} ${made}`);
    });
  }
  return result;
}

/**
 * What changes only before anybody else can have seen it. A variable of a module that only its initialization assigns,
 * once: no other function is halfway through then. A field that only constructors assign, through `this`.
 */
function lastingOf(program: Program): Set<string> {
  const assignments = new Map<string, number>();
  const fields = new Set<string>(), changing = new Set<string>();
  for (const item of program) {
    if (typeof item === "string") {
      for (const [, field] of item.matchAll(/\b(sc_fld_\w+);/g)) if (field !== undefined) fields.add(field);
      continue;
    }
    if (item.name.startsWith("sc_new_")) continue;
    const self = selfOf(item);
    for (const line of item.lines) {
      const name = assigned(line);
      if (name?.startsWith("sc_g_")) assignments.set(name, (assignments.get(name) ?? 0) + (item.name.startsWith("sc_f__x25_init_") ? 1 : 2));
      const object = /\b(\w+)->sc_fld_\w+ =/.exec(line)?.[1];
      for (const field of direct(line)) if (object === undefined || !self.has(object)) changing.add(field);
    }
  }
  for (const [name, count] of assignments) if (count === 1) fields.add(name);
  for (const field of changing) fields.delete(field);
  return fields;
}

/** In a constructor, the variables that are `this`. */
function selfOf(func: Func): Set<string> {
  const self = new Set<string>();
  if (!func.name.endsWith("_constructor")) return self;
  for (const line of func.lines) {
    const name = assigned(line);
    if (name !== undefined && /= (?:sc_retain__\w+\()?sc_l_this_0\)?;/.test(line)) self.add(name);
  }
  return self;
}

/** Adds to what each changes what those change that it calls. */
function spread(own: Map<string, Set<string>>, calls: Map<string, Set<string>>): Map<string, Set<string>> {
  const all = new Map([...own].map(([name, changes]) => [name, new Set(changes)]));
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const [name, callees] of calls) {
      const changes = all.get(name) ?? new Set();
      const before = changes.size;
      for (const callee of callees) for (const change of all.get(callee) ?? []) changes.add(change);
      all.set(name, changes);
      isMore ||= changes.size > before;
    }
  }
  return all;
}
