// What is thrown, and what comes of a call that has thrown.

import { HEAD } from "./modules.ts";
import { Func, functions, type Program } from "./program.ts";
import { release } from "./variables.ts";

/**
 * A value that the type checker has shown to be there is looked for all the same: the error when it is not there names
 * the property that was asked for. Here all of these are one error, thrown by a call without arguments.
 */
export function missing(program: Program): void {
  const texts = new Set<string>();
  let last = "";
  for (const item of program) {
    if (typeof item !== "string") continue;
    if (/"Cannot read properties of undefined/.test(item)) texts.add(last);
    last = /\b(sc_lit_\d+) =$/.exec(item)?.[1] ?? "";
  }
  let isUsed = false;
  for (const { lines } of functions(program)) {
    lines.forEach((line, at) => {
      const text = /\(scr_throw_node_coded\(sc_t\d+, sc_t\d+, (sc_t\d+)\),/.exec(line)?.[1];
      if (text === undefined) return;
      const given = new RegExp(`\\b${text} = (?:scr_str_retain\\()?\\(ScrStr \\*\\)&(sc_lit_\\d+)`).exec(lines[at - 1] ?? "")?.[1];
      if (!texts.has(given ?? "")) return;
      lines[at] = line.replace(/scr_throw_node_coded\([^)]*\)/, "sc_missing()");
      isUsed = true;
    });
  }
  if (isUsed) insert(program, MISSING);
}

/** Throws the error that says that something is missing. */
export const MISSING = [
  `static const struct { ${HEAD} char data[28]; } sc_missing_text = { SIZE_MAX, 27, 27, "an undefined value was used" };`,
  "static __attribute__((noinline, cold)) void sc_missing(void) { scr_throw_error(SCR_ERR_TYPE, (ScrStr *)&sc_missing_text); }",
];

/** Adds lines before the first function of the program's own. */
export function insert(program: Program, lines: string[]): void {
  const first = program.findIndex((item) => item instanceof Func && item.name.startsWith("sc_f_"));
  program.splice(Math.max(first, 0), 0, ...lines);
}

/**
 * `T *sc_t1 = (sc_missing(), (T *)NULL);`, then the way out, as after any call. It need not be asked whether it has
 * thrown, and what goes on after that is never run: mostly it gives the value that there is not to a variable, which
 * then has one value less.
 */
export function throwAlways(program: Program): void {
  for (const func of functions(program)) {
    const { lines } = func;
    lines.forEach((line, at) => {
      const [, name, thrown] = /^\s*\w+ \*(sc_t\d+) = \(((?:scr_throw_node_coded|sc_missing)\(.*\)), \(\w+ \*\)NULL\);$/.exec(line) ?? [];
      const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(lines[at + 1] ?? "")?.[1];
      if (name === undefined || indentation === undefined) return;
      lines[at + 1] = `${indentation}if (true) {`;
      const close = lines.indexOf(`${indentation}}`, at);
      for (let on = at + 2; on < close; on++) if (release.exec(lines[on] ?? "")?.[1] === name) lines[on] = "";
      if (new RegExp(`^\\s*sc_\\w+ = ${name};`).test(lines[close + 1] ?? "")) lines[close + 1] = "";
      if (!lines.some((other, on) => on !== at && new RegExp(`\\b${name}\\b`).test(other))) lines[at] = `${indentation}${thrown};`;
    });
  }
}

/** Calls that have thrown return NULL, so that there is nothing to give back. */
export function returnNothing(program: Program): void {
  const breaks = functions(program).find((func) => !returnsNothing(func));
  if (breaks !== undefined) throw new Error(`${breaks.name} may return something when it has thrown`);
  for (const { lines } of functions(program)) {
    lines.forEach((line, at) => {
      const [, name, callee = ""] = /^\s*\w+ \*(sc_t\d+) = (?:\(\(const \w+ \*\)\w+->vt\)->)?(\w+)\(/.exec(line) ?? /^\s*\w+ \*(sc_t\d+) = \(\(.*->(fn)\)\(/.exec(line) ?? [];
      if (name === undefined || !/^(?:sc_f_|sc_vs_|fn$|scr_bytes_new$|scr_dataview_new$)/.test(callee)) return;
      const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(lines[at + 1] ?? "")?.[1];
      if (indentation === undefined) return;
      const close = lines.indexOf(`${indentation}}`, at);
      for (let on = at + 2; on < close; on++) if (release.exec(lines[on] ?? "")?.[1] === name) lines[on] = "";
    });
  }
}

/** Whether a function that returns a pointer returns NULL wherever it returns because of an exception. */
function returnsNothing(func: Func): boolean {
  if (!/^static \w+ \*\s*sc_(?:f|vm)_/.test(func.lines[0] ?? "")) return true;
  return func.lines.every((line, at) => {
    const value = /^\s*return (.*?);/.exec(line)?.[1];
    if (value === undefined || value === "NULL") return true;
    let before = at - 1;
    while (release.test(func.lines[before] ?? "") || func.lines[before] === "") before--;
    return !/scr_exc_pending\(\)|\bscr?_(?:re)?throw|sc_missing\(/.test(func.lines[before] ?? "");
  });
}

/**
 * The last pass: how it is asked whether a call has thrown. One that returns an object has not if there is one; otherwise
 * the kind of what has been thrown tells, which build.sh makes part of the program.
 */
export function askForResults(program: Program): void {
  for (const func of functions(program)) {
    func.lines.forEach((line, at) => {
      if (!line.includes("if (scr_exc_pending())")) return;
      let before = at - 1;
      while (release.test(func.lines[before] ?? "") || func.lines[before] === "") before--;
      const name = /^\s*\w+ \*(sc_t\d+) = (?:sc_f_|sc_call_|\(\(const \w+ \*\)\w+->vt\)->)\w+\(/.exec(func.lines[before] ?? "")?.[1];
      func.lines[at] = line.replace("scr_exc_pending()", name === undefined ? "scr_exc_kind != SCR_EXC_NONE" : `!${name}`);
    });
  }
}
