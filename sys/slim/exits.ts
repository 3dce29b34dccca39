// The ways out of a function, each of which releases what is owned by then.
//
// The order in which references are given back makes no difference to anything but to how much of it is written out: from
// the last one taken to the first, a way out is the end of every longer one. Each such ladder is written once, at the end
// of the function; a way out jumps to its step of it. What is returned is in a variable meanwhile.

import { assigned, type Func, functions, type Program } from "./program.ts";
import { release } from "./variables.ts";

/** Releases in a row, how the function is left after them, and what is returned then. */
interface Exit { at: number; end: number; names: string[]; leave: string; value: string | undefined }

const RESULT = "sc_result";
const returning = /^\s*return(?: (NULL|false|true|\d+|sc_\w+))? ?;/;
const going = /^\s*(goto sc_\w+;)/;

export function shareExits(program: Program): void {
  for (const func of functions(program)) if (/^sc_(?:f|vm|w)_/.test(func.name)) new Exits(func).share();
}

class Exits {
  readonly #func: Func;
  readonly #lines: string[];
  /** How to give back each variable, and when it has been taken. */
  readonly #releases = new Map<string, string>();
  readonly #order = new Map<string, number>();
  readonly #labels = new Map<string, string>();
  readonly #ladder: string[] = [];
  readonly #written = new Set<string>();
  readonly #moved = new Set<string>();

  constructor(func: Func) {
    this.#func = func;
    this.#lines = func.lines.filter((line) => line !== "");
    if (/^static void /.test(func.lines[0] ?? "")) this.#lines.splice(-1, 0, "  return;");
    func.params.forEach(({ name }, at) => this.#order.set(name, at - func.params.length));
    this.#lines.forEach((line, at) => {
      const name = assigned(line);
      if (name !== undefined && !this.#order.has(name) && !/ = NULL;/.test(line)) this.#order.set(name, at);
      const released = release.exec(line)?.[1];
      if (released !== undefined && !this.#releases.has(released)) this.#releases.set(released, line.trim());
    });
  }

  share(): void {
    const exits = this.#find();
    const count = new Map<string, number>();
    for (const { names, leave } of exits) names.forEach((_, at) => count.set(key(names.slice(at), leave), (count.get(key(names.slice(at), leave)) ?? 0) + 1));
    const isShared = ({ names, leave }: Exit): boolean => names.some((_, at) => (count.get(key(names.slice(at), leave)) ?? 0) > 1);
    const shared = exits.filter(isShared).sort((a, b) => b.names.length - a.names.length);
    if (shared.length === 0) return;
    // The longest first: the others are steps of them.
    for (const { at, end, names, leave, value } of shared) {
      if (!this.#written.has(key(names, leave))) this.#write(names, leave);
      const indentation = /^\s*/.exec(this.#lines[end] ?? "")?.[0] ?? "";
      this.#lines.fill("", at, end);
      const isNothing = value === "NULL" || value === "false" || value === "0";
      const set = value === undefined || isNothing ? "" : `${indentation}${RESULT} = ${value};\n`;
      this.#lines[end] = `${set}${indentation}goto ${isNothing ? this.#nothing(names, leave) : this.#label(key(names, leave))};`;
    }
    this.#hoist();
    this.#lines.splice(-1, 0, ...this.#ladder);
    if (shared.some(({ value }) => value !== undefined)) this.#lines.splice(1, 0, `  ${/^static (.*?)\s*sc_\w+\(/.exec(this.#lines[0] ?? "")?.[1]} ${RESULT};`);
    this.#func.lines = this.#lines.filter((line) => line !== "").flatMap((line) => line.split("\n"));
  }

  #find(): Exit[] {
    const exits: Exit[] = [];
    this.#lines.forEach((line, end) => {
      const value = returning.exec(line);
      const leave = value === null ? going.exec(line)?.[1] : value[1] === undefined ? "return;" : `return ${RESULT};`;
      if (leave === undefined) return;
      const names: string[] = [];
      let at = end;
      for (; at > 0; at--) {
        const name = release.exec(this.#lines[at - 1] ?? "")?.[1];
        if (name === undefined || name.startsWith("sc_g_") || names.includes(name)) break;
        names.push(name);
      }
      names.sort((a, b) => (this.#order.get(b) ?? 0) - (this.#order.get(a) ?? 0));
      if (names.length > 0) exits.push({ at, end, names, leave, value: value?.[1] });
    });
    return exits;
  }

  #label(of: string): string {
    const known = this.#labels.get(of) ?? `sc_out_${this.#labels.size}`;
    this.#labels.set(of, known);
    return known;
  }

  /** The step before one that returns nothing. */
  #nothing(names: string[], leave: string): string {
    const of = `${key(names, leave)} 0`;
    const known = this.#labels.get(of);
    if (known !== undefined) return known;
    this.#ladder.push(`  ${this.#label(of)}:;`, `  ${RESULT} = 0;`, `  goto ${this.#label(key(names, leave))};`);
    return this.#label(of);
  }

  /** Writes the steps from one to the end, as far as they are not there yet. */
  #write(names: string[], leave: string): void {
    for (let at = 0; at <= names.length; at++) {
      const of = key(names.slice(at), leave);
      if (this.#written.has(of)) {
        this.#ladder.push(`  goto ${this.#label(of)};`);
        return;
      }
      this.#written.add(of);
      this.#ladder.push(`  ${this.#label(of)}:;`);
      const name = names[at];
      if (name === undefined) break;
      this.#moved.add(name);
      this.#ladder.push(`  ${this.#releases.get(name) ?? ""}`);
    }
    this.#ladder.push(`  ${leave}`);
  }

  /** Declares variables where the whole function sees them. */
  #hoist(): void {
    const declarations: string[] = [];
    const params = new Set(this.#func.params.map(({ name }) => name));
    this.#lines.forEach((line, at) => {
      const [, indentation, type, name, value] = /^(\s*)(\w+ \*)(sc_(?:[tl]_?|fexc_)\w+)( = .*)?;(?: \/\*.*\*\/)?$/.exec(line) ?? [];
      if (at === 0 || name === undefined || type === undefined || !this.#moved.has(name) || params.has(name)) return;
      declarations.push(`  ${type}${name};`);
      this.#lines[at] = value === undefined ? "" : `${indentation}${name}${value};`;
    });
    this.#lines.splice(1, 0, ...declarations);
  }
}

function key(names: string[], leave: string): string {
  return `${names.join(" ")} ${leave}`;
}
