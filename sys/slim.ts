// A pass over the C that the compiler writes, at build time: leaves out reference counting that cannot matter, which is a
// good part of the program, and makes constants of what is constant. usage: bun slim.ts FROM TO
//
// The compiler takes a reference for each use of a value and gives it back after it. That is idle for
//   - a string literal, whose count never moves;
//   - a local variable or parameter that nothing in the function assigns, while the value is only looked into: the variable
//     holds a reference of its own until the function ends.
// Every other reference stays as it is: one that is passed on, stored or returned is given away.

import { readFileSync, writeFileSync } from "node:fs";

const temporary = /\bsc_t\d+\b/g;
/** `  TYPE *sc_t1 = sc_retain__TYPE(sc_l_name_0);` */
const borrow = /^(\s*\w+ \*)(sc_t\d+) = (?:sc_retain__\w+|scr_\w+_retain)\((sc_l_\w+)\);(.*)$/;
/** `  ScrStr *sc_t1 = scr_str_retain((ScrStr *)&sc_lit_1);` */
const literal = /^(\s*ScrStr \*)(sc_t\d+) = scr_str_retain\((\(ScrStr \*\)&sc_lit_\d+)\);(.*)$/;
const release = /^\s*(?:sc_release__\w+|scr_\w+_release)\((sc_t\d+)\);$/;
const literalObject = /^static struct \{ size_t rc; .*\} sc_lit_\d+ =/;
const assignment = /^\s*(sc_[lt]_?\w+) = /;
const addressTaken = /&(sc_[lt]_?\w+)/g;

/** The lines of one function, without what is idle in it. */
function slim(lines: string[]): string[] {
  const uses = new Map<string, number[]>();
  const changed = new Set<string>();
  lines.forEach((line, index) => {
    for (const [name] of line.matchAll(temporary)) uses.set(name, [...(uses.get(name) ?? []), index]);
    const assigned = assignment.exec(line)?.[1];
    if (assigned !== undefined) changed.add(assigned);
    for (const [, name] of line.matchAll(addressTaken)) if (name !== undefined) changed.add(name);
  });
  const dropped = new Set<number>();
  const result = lines.map((line, index) => {
    const found = literal.exec(line) ?? borrow.exec(line);
    const [, type, name, value, rest] = found ?? [];
    if (name === undefined || value === undefined || changed.has(name) || changed.has(value)) return line;
    const others = (uses.get(name) ?? []).filter((use) => use !== index);
    const releases = others.filter((use) => release.exec(lines[use] ?? "")?.[1] === name);
    const isLiteral = value.startsWith("(");
    const isOnlyRead = others.every((use) => releases.includes(use) || isLookedInto(lines[use] ?? "", name));
    if (!isLiteral && (!isOnlyRead || releases.length === 0)) return line;
    for (const use of releases) dropped.add(use);
    return `${type}${name} = ${value};${rest}`;
  });
  return result.filter((_, index) => !dropped.has(index));
}

/** Whether every mention of a variable in a line is followed by `->`. */
function isLookedInto(line: string, name: string): boolean {
  for (const match of line.matchAll(temporary)) {
    if (match[0] === name && line.slice(match.index + name.length, match.index + name.length + 2) !== "->") return false;
  }
  return true;
}

/** A string literal is never written to: among the constants it costs no page of its own. */
function constant(line: string): string {
  return literalObject.test(line) ? line.replace("static struct", "static const struct") : line;
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: slim.ts FROM TO");
const output: string[] = [];
let part: string[] = [];
for (const line of readFileSync(from, "utf8").split("\n")) {
  part.push(constant(line));
  if (!line.startsWith("}")) continue;
  output.push(...slim(part));
  part = [];
}
writeFileSync(to, [...output, ...part].join("\n"));
