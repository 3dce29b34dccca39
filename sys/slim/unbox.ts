// Functions that take a union only to take what is in it: called with that instead.
//
// The compiler makes some parameters unions of a value and undefined although their type does not say so; then every
// caller puts the value into one. Of such a function there is a second one here that takes the value, for those callers.

import { Func, functions, type Program } from "./program.ts";

/** The function for a value; whether it may throw. */
interface Unboxed { name: string; throws: boolean }

export function unboxArguments(program: Program): void {
  const unboxed = new Map<string, Unboxed>();
  for (const [at, item] of [...program.entries()].reverse()) {
    const of = item instanceof Func ? second(item) : undefined;
    if (of === undefined || !(item instanceof Func)) continue;
    unboxed.set(item.name, { name: of.name, throws: of.lines.some((line) => line.includes("scr_exc_pending()")) });
    program.splice(at, 0, of);
    const declaration = program.findIndex((line) => typeof line === "string" && line.startsWith("static ") && line.includes(` ${item.name}(`));
    if (declaration >= 0) program.splice(declaration, 0, (of.lines[0] ?? "").replace(/ \{.*$/, ";"));
  }
  for (const func of functions(program)) for (let at = 1; at < func.lines.length; at++) pass(func.lines, at, unboxed);
}

/** The function for a value, of one that takes it from a union before anything else. */
function second(func: Func): Func | undefined {
  const [param] = func.params;
  if (func.params.length !== 1 || param?.type !== "ScrUnion *" || !func.name.startsWith("sc_f_") || func.name.includes("union_narrow")) return undefined;
  const taken = /^\s*ScrUnion \*(sc_t\d+) = scr_union_retain\((\w+)\);$/.exec(func.lines[1] ?? "");
  const value = /^\s*(\w+ \*)(sc_t\d+) = sc_f__x25_union_narrow_\d+\((sc_t\d+)\);$/.exec(func.lines[2] ?? "");
  const [, type, name, union] = value ?? [];
  if (taken?.[2] !== param.name || union !== taken[1] || type === undefined || name === undefined) return undefined;
  const end = func.lines.indexOf("  }", 3);
  if (func.lines[3] !== "  if (scr_exc_pending()) {" || end < 0) return undefined;
  const rest = func.lines.slice(end + 1).filter((line) => line.trim() !== `scr_union_release(${param.name});`);
  if (rest.some((line) => new RegExp(`\\b(?:${param.name}|${union})\\b`).test(line))) return undefined;
  const head = (func.lines[0] ?? "").replace(`${func.name}(`, `${func.name}_value(`).replace(`ScrUnion *${param.name}`, `${type}${param.name}`);
  return new Func([head, ...rest.map((line) => line.replace(new RegExp(`\\b${name}\\b`, "g"), param.name))]);
}

/** Passes the value where a union is made of it for nothing else. */
function pass(lines: string[], at: number, unboxed: Map<string, Unboxed>): void {
  const [, union, value] = /^\s*ScrUnion \*(sc_t\d+) = scr_union_new_ref\(\d+, (sc_t\d+), .*\);$/.exec(lines[at] ?? "") ?? [];
  const [, callee = "", given] = /= (sc_f_\w+)\((sc_t\d+)\);/.exec(lines[at + 1] ?? "") ?? [];
  const second = unboxed.get(callee);
  if (second === undefined || union === undefined || given !== union) return;
  lines[at + 1] = (lines[at + 1] ?? "").replace(`${callee}(${union})`, `${second.name}(${value})`);
  lines[at] = "";
  const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(lines[at + 2] ?? "")?.[1];
  if (!second.throws && indentation !== undefined) lines.fill("", at + 2, lines.indexOf(`${indentation}}`, at) + 1);
}
