// Releases that are there several times because there are several ways to go on.

import { type Func, functions, type Program } from "./program.ts";
import { release, type Variables } from "./variables.ts";

/**
 * A string is released on every path out of the statement that it was made for, however early it has its last use. Here it
 * is released once, right after that. Strings only: no address of one is ever taken, while an array of bytes is in use as
 * long as C has its address.
 */
export function releaseEarly(variables: Variables): void {
  const { lines } = variables;
  const strings = new Set<string>();
  for (const line of lines) {
    const name = /^\s*scr_str_release\((sc_[lt]_?\w+)\);$/.exec(line)?.[1];
    if (name !== undefined) strings.add(name);
  }
  for (const name of strings) {
    const watched = variables.withDependents(name);
    const uses = new Set([...watched].flatMap((each) => variables.linesNaming(each)));
    for (const at of uses) {
      const line = lines[at] ?? "";
      // A statement in a row with others.
      const isPlain = line !== "" && release.exec(line)?.[1] !== name && / .*;(?: \/\*.*\*\/)?$/.test(line) && !/^\s*(?:if|return|goto|break|continue)\b/.test(line);
      if (!isPlain || / = NULL;/.test(line)) continue;
      const ends = variables.releasesAfter(at, name, (on) => variables.names(on).some((each) => watched.has(each)));
      if (ends === undefined || ends.size === 0) continue;
      if (![...ends].every((from) => variables.comesFrom(from, at, name, false))) continue;
      for (const on of ends) lines[on] = "";
      lines[at] = `${line}\n${/^\s*/.exec(line)?.[0] ?? ""}scr_str_release(${name});`;
    }
  }
}

/**
 * Releases that come first after a call, both when it has thrown and when it has not, go before the question. They do
 * not touch the exception.
 */
export function releaseBeforeCheck(program: Program): void {
  for (const func of functions(program)) hoist(func);
}

function hoist(func: Func): void {
  const { lines } = func;
  for (let at = lines.length - 1; at > 0; at--) {
    const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(lines[at] ?? "")?.[1];
    if (indentation === undefined) continue;
    const close = lines.indexOf(`${indentation}}`, at);
    const thrown = leading(lines, at + 1), returned = leading(lines, close + 1);
    const both = new Set([...thrown.keys()].filter((text) => returned.has(text)));
    const moved = [...both].map((text) => indentation + text);
    const dropped = new Set([...both].flatMap((text) => [thrown.get(text), returned.get(text)]));
    func.lines = lines.flatMap((line, on) => (on === at ? [...moved, line] : dropped.has(on) ? [] : [line]));
    lines.splice(0, lines.length, ...func.lines);
  }
  func.lines = lines;
}

/** The releases in a row from a line on, each with its line. */
function leading(lines: string[], from: number): Map<string, number> {
  const result = new Map<string, number>();
  for (let at = from; lines[at] === "" || release.test(lines[at] ?? ""); at++) {
    const text = lines[at]?.trim() ?? "";
    if (text !== "") result.set(text, at);
  }
  return result;
}
