// Calls that never throw, after which it need not be asked whether they have.
//
// The compiler knows this of functions in which nothing can throw. Here those are added in which the runtime checks what
// cannot be otherwise: a length that is a constant, a view of a whole array.

import { type Func, functions, type Program, slotsOf } from "./program.ts";
import { release } from "./variables.ts";

const throwing = /\bscr?_(?:re)?throw|\bsc_missing\(|\bsc_unreachable/;

export function dropIdleChecks(program: Program): void {
  const quiet = new Set<string>();
  const all = functions(program);
  const entries = new Map<string, string[]>();
  for (const [entry, slot] of slotsOf(program)) entries.set(slot, [...(entries.get(slot) ?? []), entry]);
  for (let before = -1; before !== quiet.size; ) {
    before = quiet.size;
    for (const func of all) {
      if (quiet.has(func.name)) continue;
      drop(func, (callee) => quiet.has(callee) || (entries.has(callee) && (entries.get(callee) ?? []).every((entry) => quiet.has(entry))));
      const mayThrow = func.lines.some((line) => line.includes("scr_exc_pending()") || throwing.test(line) || line.includes("->fn)("));
      // The entry of a vtable calls its method, and asks nothing.
      const method = /^sc_vm_/.test(func.name) ? /\b(sc_f_\w+)\(/.exec(func.lines[1] ?? "")?.[1] : undefined;
      if (/^sc_(?:f|vm)_/.test(func.name) && !mayThrow && (method === undefined || quiet.has(method))) quiet.add(func.name);
    }
  }
}

/** Takes the checks out of a function that follow calls which do not throw. */
function drop(func: Func, isQuiet: (callee: string) => boolean): void {
  const { lines } = func;
  lines.forEach((line, at) => {
    const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(line)?.[1];
    if (indentation === undefined) return;
    let before = at - 1;
    while (release.test(lines[before] ?? "") || lines[before] === "") before--;
    const [, callee = "", list = ""] = /^\s*(?:\w+ \**sc_t\d+ = )?(?:\(\(const \w+ \*\)\w+->vt\)->)?(\w+)\((.*)\);/.exec(lines[before] ?? "") ?? [];
    if (!isQuiet(callee) && !isChecked(callee, list, lines.slice(Math.max(0, before - 3), before))) return;
    const close = lines.indexOf(`${indentation}}`, at);
    if (lines.slice(at, close).some((other) => /^\s*\w+:;/.test(other))) return;
    lines.fill("", at, close + 1);
  });
}

/** Whether what the runtime checks is as it has to be, by the lines before the call. */
function isChecked(callee: string, list: string, before: string[]): boolean {
  if (callee === "scr_dataview_new") return /^sc_\w+, 0, false, 0$/.test(list);
  const length = callee === "scr_bytes_new" ? /^SCR_BYTES_U8, (sc_t\d+)$/.exec(list)?.[1] : undefined;
  if (length === undefined) return false;
  const value = before.map((line) => new RegExp(`^\\s*double ${length} = (.*);`).exec(line)?.[1]).find((text) => text !== undefined);
  return value !== undefined && (/^\d+\.0$/.test(value) || /^\(double\)(?:\(int64_t\))?\w+->len$/.test(value));
}
