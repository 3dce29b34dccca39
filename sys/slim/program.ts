// The C that the compiler writes, as lines: one statement a line, one function after another.

/** A function: its lines from the one with its name to the one with the closing brace. */
export class Func {
  readonly name: string;
  readonly params: Param[];
  lines: string[];

  constructor(lines: string[]) {
    this.lines = lines;
    const [, name, list] = /(\w+)\(([^()]*)\) \{/.exec(lines[0] ?? "") ?? [];
    if (name === undefined || list === undefined) throw new Error(`no function begins with: ${lines[0]}`);
    this.name = name;
    this.params = list === "void" ? [] : list.split(", ").map(param);
  }
}

/** A parameter; its type as the compiler writes it, `ScrStr *`. */
export interface Param { type: string; name: string }

function param(text: string): Param {
  const [, type, name] = /^(.*?)(\w+)$/.exec(text) ?? [];
  return { type: type ?? "", name: name ?? "" };
}

/** What is between functions is lines. */
export type Program = (string | Func)[];

/** Splits the text of a program. */
export function parse(text: string): Program {
  const program: Program = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (!/^(static|int) .*\) \{( \/\*.*\*\/)?$/.test(line)) {
      program.push(line);
      continue;
    }
    const end = lines.indexOf("}", at);
    program.push(new Func(lines.slice(at, end + 1)));
    at = end;
  }
  return program;
}

export function functions(program: Program): Func[] {
  return program.filter((item) => item instanceof Func);
}

/** The text again, without lines that have become empty. */
export function print(program: Program): string {
  return program.flatMap((item) => (item instanceof Func ? item.lines.filter((line) => line !== "") : [item])).join("\n");
}

/** A statement alone, without indentation and comment. */
export function statement(line: string): string {
  return line.replace(/\/\*.*?\*\//g, "").trim();
}

/** The variables that a statement names. */
export function names(line: string): string[] {
  return line.match(/\bsc_(?:t\d+|[a-z]+_\w+|\w+)\b/g) ?? [];
}

/** The variable that a statement assigns, if it does: `TYPE *x = ...;` or `x = ...;`. */
export function assigned(line: string): string | undefined {
  return /^\s*(?:[A-Za-z_]\w* \**)?(sc_\w+) = /.exec(line)?.[1];
}

/** The arguments of a call, from the text between its parentheses; commas within parentheses or strings part nothing. */
export function splitArguments(text: string): string[] {
  const result: string[] = [];
  let depth = 0, start = 0, isString = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (isString) {
      if (c === "\\") at++;
      else if (c === '"') isString = false;
    } else if (c === '"') isString = true;
    else if (c === "(") depth++;
    else if (c === ")") depth--;
    else if (c === "," && depth === 0) {
      result.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (text.trim() !== "") result.push(text.slice(start).trim());
  return result;
}

/** The vtable slot of each entry. */
export function slotsOf(program: Program): Map<string, string> {
  const slots = new Map<string, string>();
  for (const item of program) {
    if (typeof item !== "string") continue;
    const [, name, method] = /&(sc_vm_\w+) \/\* (\w+) \*\//.exec(item) ?? [];
    if (name !== undefined && method !== undefined) slots.set(name, `sc_vs_${method}`);
  }
  return slots;
}

/** Functions that may be called by whoever has their address: named in any way but to declare, define or call them. */
export function addressTaken(program: Program): Set<string> {
  const taken = new Set<string>();
  for (const item of program) {
    if (typeof item === "string" && /^static [\w *]*\bsc_f_\w+\([^()]*\);$/.test(item)) continue;
    for (const line of typeof item === "string" ? [item] : item.lines.slice(1)) {
      for (const [, name, paren] of line.matchAll(/\b(sc_f_\w+)(\(?)/g)) if (name !== undefined && (paren === "" || typeof item === "string")) taken.add(name);
    }
  }
  return taken;
}
