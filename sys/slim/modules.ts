// What modules do when the program starts: each one initialized once, by the first that imports it, and constants that
// are known here made constants of the program.

import { assigned, type Func, functions, type Program } from "./program.ts";

/** The initialization of another module. */
export const call = /^\s*(sc_f__x25_init_\d+)\(\);/;

/**
 * The order of initialization does not depend on anything: main initializes what it imports, each of those first what it
 * imports, and so on. Only the first call that is met on this walk does anything, all others find the module loaded. They
 * go, with the check for an exception after them: had the first call thrown, nobody would have come here.
 */
export function initializeOnce(program: Program): void {
  const inits = new Map(functions(program).map((func) => [func.name, func]));
  const met = new Set<string>();
  const walk = (func: Func): void => {
    func.lines.forEach((line, at) => {
      const name = call.exec(line)?.[1];
      const called = name === undefined ? undefined : inits.get(name);
      if (name === undefined || called === undefined) return;
      if (!met.has(name)) {
        met.add(name);
        walk(called);
        return;
      }
      func.lines[at] = "";
      if (!/^\s*if \(scr_exc_pending\(\)\) \{$/.test(func.lines[at + 1] ?? "")) return;
      for (let end = at + 1; func.lines[end] !== ""; end++) {
        const isEnd = func.lines[end]?.trim() === "}";
        func.lines[end] = "";
        if (isEnd) break;
      }
    });
  };
  const main = inits.get("sc_f__x25_main");
  if (main !== undefined) walk(main);
  for (const name of met) unguard(inits.get(name));
}

/** Called once, an initialization need not note that it has run. */
function unguard(func: Func | undefined): void {
  if (func === undefined) return;
  // Variables of the module's own statements are declared before it.
  const start = func.lines.findIndex((line) => /^ {2}bool sc_t\d+ = sc_g_\w+_loaded;/.test(line));
  const text = func.lines.slice(start, start + 6).join("\n");
  const guard = /^ {2}bool (sc_t\d+) = (sc_g_\w+_loaded);\n {2}if \(\1\) \{\n {4}return;.*\n {2}\}\n {2}bool (sc_t\d+) = true;\n {2}\2 = \3;.*$/;
  if (start > 0 && guard.test(text)) func.lines.fill("", start, start + 6);
}

/**
 * Variables of modules that are assigned once, when their module is initialized, and the value is known: a number, a
 * truth value or a string literal. Their declaration gets the value. Whoever reads them earlier would see it too early;
 * in JavaScript that is a ReferenceError, so nobody does.
 */
export function constants(program: Program): void {
  const assignments = new Map<string, number>();
  const isInit = (func: Func): boolean => func.name.startsWith("sc_f__x25_init_");
  for (const func of functions(program)) {
    for (const line of func.lines) {
      const name = assigned(line);
      if (name?.startsWith("sc_g_")) assignments.set(name, (assignments.get(name) ?? 0) + 1);
      for (const [, taken] of line.matchAll(/&(sc_g_\w+)/g)) if (taken !== undefined) assignments.set(taken, 2);
    }
  }
  const known = new Map<string, string>();
  for (let before = -1; before < known.size; ) {
    before = known.size;
    for (const func of functions(program)) {
      if (isInit(func)) fold(func, assignments, known);
    }
  }
  for (const func of functions(program)) {
    // Giving back a literal does nothing.
    func.lines = func.lines.map((line) => {
      const name = /^\s*scr_str_release\((sc_g_\w+)\);$/.exec(line)?.[1];
      return name !== undefined && known.has(name) ? "" : line;
    });
  }
  program.forEach((item, at) => {
    if (typeof item !== "string") return;
    const [, type, name] = /^static (double |bool |ScrStr \*)(sc_g_\w+);/.exec(item) ?? [];
    const value = name === undefined ? undefined : known.get(name);
    if (value !== undefined) program[at] = `static ${type}const ${name} = ${value};`;
  });
}

/** Finds the known variables that one initialization assigns, and takes the assignments out. */
function fold(func: Func, assignments: Map<string, number>, known: Map<string, string>): void {
  const values = new Map<string, string>();
  let depth = 0;
  func.lines.forEach((line, at) => {
    if (at === 0) return;
    if (line.trim().startsWith("}")) depth--;
    if (line.endsWith("{")) depth++;
    if (depth !== 0) return;
    const [, name, value] = /^ {2}(?:double |bool |ScrStr \*)?(sc_\w+) = (.*?);(?: \/\*.*\*\/)?$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return;
    const result = evaluate(value, values, known);
    if (result === undefined) return;
    if (!name.startsWith("sc_g_")) values.set(name, result);
    // Read before it is assigned: a module that stays guarded would be taken for loaded.
    else if (assignments.get(name) === 1 && !name.endsWith("_loaded")) {
      known.set(name, result);
      func.lines[at] = "";
    }
  });
}

const number = /^-?(?:\d[\d.]*(?:[eE][-+]?\d+)?|INFINITY)$/;

function evaluate(text: string, values: Map<string, string>, known: Map<string, string>): string | undefined {
  const of = (name: string | undefined): string | undefined => values.get(name ?? "") ?? known.get(name ?? "");
  if (number.test(text) || text === "true" || text === "false") return text;
  const literal = /^(?:scr_str_retain\()?(\(ScrStr \*\)&sc_lit_\d+)\)?$/.exec(text)?.[1];
  if (literal !== undefined) return literal;
  const single = /^(?:scr_str_retain\()?(sc_[tg]_?\w+)\)?$/.exec(text)?.[1];
  if (single !== undefined) return of(single);
  const [, left, operator, right] = /^(sc_\w+) ([-+*]) (sc_\w+)$/.exec(text) ?? [];
  const a = of(left), b = of(right);
  if (a === undefined || b === undefined) return undefined;
  const x = Number(a), y = Number(b);
  const result = operator === "+" ? x + y : operator === "-" ? x - y : x * y;
  if (!number.test(a) || !number.test(b) || !Number.isFinite(result) || Object.is(result, -0)) return undefined;
  const digits = String(result);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

/** What precedes the text of a string. */
export const HEAD = "int32_t rc; uint32_t len; uint32_t cap;";

/**
 * A string literal, or an arm of a union that holds nothing, is never written to: among the constants it costs no page of
 * its own. The head of a string is as build.sh has it.
 */
export function literals(program: Program): void {
  program.forEach((item, at) => {
    if (typeof item === "string" && /^static struct \{ size_t rc; .*\} sc_lit_\d+ =/.test(item)) {
      program[at] = item.replace("static struct { size_t rc; size_t len; size_t cap;", `static const struct { ${HEAD}`);
    }
    if (typeof item === "string" && /^static ScrUnion sc_unit_\d+ =/.test(item)) program[at] = item.replace("static", "static const");
  });
}

/** An initialization that cannot throw need not be asked whether it has. */
export function trustInitializations(program: Program): void {
  const inits = functions(program).filter((func) => /^sc_f__x25_(?:init_\d+|main)$/.test(func.name));
  const quiet = new Set<string>();
  for (let before = -1; before < quiet.size; ) {
    before = quiet.size;
    for (const func of inits) {
      func.lines.forEach((line, at) => {
        if (!quiet.has(call.exec(line)?.[1] ?? "") || func.lines[at + 1] !== "  if (scr_exc_pending()) {") return;
        func.lines.fill("", at + 1, func.lines.indexOf("  }", at) + 1);
      });
      if (!func.lines.some((line) => /scr_exc_pending|throw/.test(line))) quiet.add(func.name);
    }
  }
}
