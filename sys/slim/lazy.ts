// Tables and other values that modules make when the program starts, made when they are first asked for.
//
// Most of them a process never needs, and what it listens for does not wait for them. A value is made later where nobody
// can tell: where all that makes it is constants, and nothing is looked at or changed meanwhile but what is made. A
// variable that is assigned once is replaced by a function that makes the value unless it is there.

import { call as initCall } from "./modules.ts";
import { Func, functions, type Program, slotsOf } from "./program.ts";
import { insert } from "./throws.ts";
import { release } from "./variables.ts";

/** What makes the value of a variable: lines of an initialization, from one up to before another. */
interface Making { name: string; type: string; init: Func; from: number; to: number }

/** Families of the runtime's functions that are about values alone. */
const values = /^scr_(?:arr|bit|box|bytes|closure|dataview|exc|f64|map|math|num|obj|str|string|text|union)/;

export function makeLazily(program: Program): void {
  const makings = findMakings(program);
  const bodies = new Map(functions(program).map((func) => [func.name, func.lines.slice(1)]));
  const methods = new Map<string, string[]>();
  for (const [entry, slot] of slotsOf(program)) methods.set(slot, [...(methods.get(slot) ?? []), entry]);
  const constants = new Set<string>();
  for (const item of program) {
    const name = typeof item === "string" ? /^static .*\bconst (sc_g_\w+) = /.exec(item)?.[1] : undefined;
    if (name !== undefined) constants.add(name);
  }
  // One that needs another that cannot be made later cannot either.
  for (let before = -1; before !== makings.size; ) {
    before = makings.size;
    for (const making of [...makings.values()]) {
      const isKnown = (name: string): boolean => constants.has(name) || makings.has(name);
      if (!isSelfContained(making, bodies, methods, isKnown, (name) => constants.has(name))) makings.delete(making.name);
    }
  }
  for (const making of makings.values()) defer(program, making, makings);
  const use = (line: string): string => line.replace(/\bsc_g_\w+\b/g, (name) => (makings.has(name) ? `${accessor(name)}()` : name));
  for (const func of functions(program)) if (!func.name.startsWith("sc_lazy_")) func.lines = func.lines.map(use);
  insert(program, [...makings.values()].map(({ type, name }) => `static ${type}${accessor(name)}(void);`));
}

function accessor(name: string): string {
  return name.replace("sc_g_", "sc_lazy_");
}

function findMakings(program: Program): Map<string, Making> {
  const types = new Map<string, string>();
  for (const item of program) {
    const [, type, name] = (typeof item === "string" ? /^static (\w+ \*)(sc_g_\w+);/.exec(item) : null) ?? [];
    if (type !== undefined && name !== undefined) types.set(name, type);
  }
  const assignments = new Map<string, number>();
  for (const func of functions(program)) {
    for (const line of func.lines) {
      for (const [, name] of line.matchAll(/\b(sc_g_\w+) = /g)) if (name !== undefined) assignments.set(name, (assignments.get(name) ?? 0) + 1);
      for (const [, name] of line.matchAll(/&(sc_g_\w+)/g)) if (name !== undefined) assignments.set(name, 2);
    }
  }
  const makings = new Map<string, Making>();
  for (const init of functions(program)) {
    if (!init.name.startsWith("sc_f__x25_init_")) continue;
    let from = 1, depth = 0;
    init.lines.forEach((line, at) => {
      if (at === 0) return;
      if (line.trim().startsWith("}")) depth--;
      if (line.endsWith("{")) depth++;
      if (depth !== 0) return;
      const name = /^ {2}(sc_g_\w+) = sc_t\d+;/.exec(line)?.[1];
      const type = name === undefined || assignments.get(name) !== 1 ? undefined : types.get(name);
      let to = at + 1;
      while (/^sc_t/.test(release.exec(init.lines[to] ?? "")?.[1] ?? "")) to++;
      if (name !== undefined && type !== undefined) makings.set(name, { name, type, init, from, to });
      // A statement ends where a variable of the module is assigned, or another module has been initialized.
      if (/^ {2}sc_g_\w+ = /.test(line) || initCall.test(line)) from = to;
      if (line === "  }" && initCall.test(init.lines[at - 3] ?? "")) from = at + 1;
    });
  }
  return makings;
}

/** Whether a line gives back what a variable has held before. */
function isReleased(line: string, name: string): boolean {
  return new RegExp(`release\\w*\\(${name}\\);`).test(line);
}

/** Whether nothing is looked at but constants, and nothing changed but what is made. */
function isSelfContained(making: Making, bodies: Map<string, string[]>, methods: Map<string, string[]>, isKnown: (name: string) => boolean, isConstant: (name: string) => boolean): boolean {
  const { init, from, to, name } = making;
  const own = init.lines.slice(from, to).filter((line) => !isReleased(line, name) && !line.trim().startsWith(`${name} = `));
  const seen = new Set<string>();
  const waiting: string[][] = [own];
  for (let lines = waiting.pop(); lines !== undefined; lines = waiting.pop()) {
    for (const line of lines) {
      if (/\bmote_/.test(line) || (lines === own && /\bsc_l_/.test(line))) return false;
      for (const global of line.match(/\bsc_g_\w+\b/g) ?? []) {
        if (!isKnown(global)) return false;
        // Another value may be looked at later than it would have been if nobody changes it, as the name of a constant
        // says. A statement of the module's own might; but not where it only keeps the value, or a view of it.
        if (!isConstant(global) && !(lines === own ? isKeptOnly(own, line) : /_[A-Z][A-Z0-9_]*$/.test(global))) return false;
      }
      for (const called of line.match(/\bscr_\w+(?=\()/g) ?? []) if (!values.test(called) && !/^scr_(?:cyc|caught|error|throw|trap)/.test(called)) return false;
      const callees = [...(line.match(/\bsc_(?:f|vm|call|element|text|union|throw)_\w+/g) ?? []), ...(line.match(/\bsc_vs_\w+/g) ?? []).flatMap((slot) => methods.get(slot) ?? [])];
      for (const callee of callees) {
        if (seen.has(callee)) continue;
        seen.add(callee);
        if (callee.startsWith("sc_f__x25_init_")) return false;
        waiting.push(bodies.get(callee) ?? []);
      }
    }
  }
  return true;
}

/** Whether what a line reads from a variable of a module is put into a list that is made, or looked at through another view. */
function isKeptOnly(lines: string[], line: string): boolean {
  const name = /^ {2}\w+ \*(sc_t\d+) = (?:scr_\w+_retain\()?sc_g_\w+\)?;$/.exec(line)?.[1];
  if (name === undefined) return false;
  const kept = new RegExp(`(?:= scr_dataview_new\\(${name}, 0, false, 0\\)|= scr_bytes_subarray\\(${name}, sc_t\\d+, sc_t\\d+\\)|scr_arr_push_ref\\(sc_t\\d+, ${name}\\)|_release\\(${name}\\));`);
  return lines.every((other) => other === line || !new RegExp(`\\b${name}\\b`).test(other) || kept.test(other));
}

/** Takes the making of a value out of an initialization, into a function of its own. */
function defer(program: Program, { name, type, init, from, to }: Making, makings: Map<string, Making>): void {
  const lines: string[] = [];
  for (let at = from; at < to; at++) {
    const line = init.lines[at] ?? "";
    init.lines[at] = "";
    // It has never thrown, and makes the same each time.
    if (line === "  if (scr_exc_pending()) {") while (init.lines[at] !== "  }" && at < to) init.lines[at++] = "";
    if (line === "  if (scr_exc_pending()) {") init.lines[at] = "";
    else if (!isReleased(line, name)) lines.push(line.replace(/\bsc_g_\w+\b/g, (other) => (other !== name && makings.has(other) ? `${accessor(other)}()` : other)));
  }
  const head = `static __attribute__((noinline)) ${type}${accessor(name)}(void) {`;
  program.push(new Func([head, `  if (${name}) return ${name};`, ...lines, `  return ${name};`, "}"]));
}
