// The places that hold a number: variables, parameters, results, fields and variables of modules, each by a name. Places of
// unions are among them: what counts there is the number in the union, if there is one.

import { addressTaken, type Func, functions, type Program, slotsOf } from "./program.ts";

export class Slots {
  /** By name the places that the compiler has made doubles, or unions. */
  readonly all = new Set<string>();
  /** Functions whose parameters and results are known at every call: by name, or through a vtable. */
  readonly callable = new Map<string, Func>();
  readonly #families = new Map<string, string>();
  /** The entries of vtables: methods of one name have the same places. */
  readonly #entries: Map<string, string>;
  /** For each function the classes of its variables. */
  readonly #classes = new Map<Func, Map<string, string>>();

  constructor(program: Program) {
    const taken = addressTaken(program);
    this.#entries = slotsOf(program);
    for (const func of functions(program)) {
      const isKnown = func.name.startsWith("sc_f_") ? !taken.has(func.name) : this.#entries.has(func.name);
      if (isKnown) this.callable.set(func.name, func);
    }
    this.#findFields(program);
    for (const func of functions(program)) {
      const classes = new Map<string, string>();
      this.#classes.set(func, classes);
      if (resultOf(func) !== undefined) this.all.add(this.result(func.name));
      for (const { type, name } of func.params) this.#declare(func, classes, type.trim(), name);
      for (const line of func.lines.slice(1)) {
        const [, type, name] = /^\s*(double|ScrUnion \*|sc_o_\w+ \*)\s*(sc_[tl]_?\w+|result|o)(?: =|;)/.exec(line) ?? [];
        if (type !== undefined && name !== undefined) this.#declare(func, classes, type, name);
      }
    }
  }

  #declare(func: Func, classes: Map<string, string>, type: string, name: string): void {
    if (type === "double" || type === "ScrUnion *") this.all.add(this.#variable(func, name));
    const object = /^sc_o_(\w+) ?\*$/.exec(type)?.[1];
    if (object !== undefined) classes.set(name, object);
  }

  /** Classes that extend each other share the places of their fields: those of one vtable type are a family. */
  #findFields(program: Program): void {
    let family = "";
    for (const item of program) {
      if (typeof item !== "string") continue;
      const [, table, name] = /^static const sc_vtt_(\w+) sc_vtable_(\w+) =/.exec(item) ?? [];
      if (table !== undefined && name !== undefined) this.#families.set(name, table);
    }
    for (const item of program) {
      if (typeof item !== "string") continue;
      const object = /^struct sc_o_(\w+) \{/.exec(item)?.[1];
      if (object !== undefined) family = this.family(object);
      if (item === "};") family = "";
      const field = /^ {2}(?:double |ScrUnion \*)(sc_fld_\w+);/.exec(item)?.[1];
      if (family !== "" && field !== undefined) this.all.add(`${family}.${field}`);
      const global = /^static (?:double |ScrUnion \*)(?:const )?(sc_g_\w+)(?: =|;)/.exec(item)?.[1];
      if (global !== undefined) this.all.add(global);
    }
  }

  family(object: string): string {
    return this.#families.get(object) ?? object;
  }

  /** The place of a function's result. */
  result(name: string): string {
    return `${this.#entries.get(name) ?? name}()`;
  }

  #variable(func: Func, name: string): string {
    const entry = this.#entries.get(func.name);
    const argument = entry === undefined ? undefined : /^sc_a(\d+)$/.exec(name)?.[1];
    return argument === undefined ? `${func.name} ${name}` : `${entry} ${argument}`;
  }

  /** Whether the class of a variable is known, as far as its fields go. */
  isKnown(func: Func, variable: string): boolean {
    return this.#classes.get(func)?.has(variable) ?? false;
  }

  /** The place that an expression names, if it is one of ours. */
  named(func: Func, text: string): string | undefined {
    const [, object, field] = /^(\w+)->(sc_fld_\w+)$/.exec(text) ?? [];
    const of = this.#classes.get(func)?.get(object ?? "");
    const name = field === undefined ? (text.startsWith("sc_g_") ? text : this.#variable(func, text)) : of === undefined ? undefined : `${this.family(of)}.${field}`;
    return name !== undefined && this.all.has(name) ? name : undefined;
  }
}

/** The type of a function's result, if that is a place. */
export function resultOf(func: Func): string | undefined {
  return /^static (?:__attribute__\(\(\w+\)\) )?(double|ScrUnion \*) ?\w+\(/.exec(func.lines[0] ?? "")?.[1];
}
