// Parameters that a function borrows instead of owning them.
//
// The compiler has every caller give a reference away with each argument, and the function give it back on each of its
// ways out: a call takes references that it need not, and every return and every exception costs releases. Here the
// caller keeps the reference. It holds one for the whole call, so the function can do without its own. That goes for
// functions that are only called by name, or through a vtable all of whose methods agree, and for parameters that the
// function only takes references of, looks into and releases. Where the caller has no more use for the argument it
// releases it after the call; mostly that reference turns out to be idle too (references.ts).

import { follow, flowOf } from "./flow.ts";
import { addressTaken, assigned, type Func, functions, names, type Program, slotsOf, splitArguments, statement } from "./program.ts";

/** What one callable's parameters are: the function that releases each that is borrowed, undefined for the others. */
type Borrowed = (string | undefined)[];

const retained = /^(?:sc_retain__\w+|scr_\w+_retain)\((sc_[tl]_?\w+)\)$/;
/** A call in a statement of its own; what is before it, whom it calls, with which arguments, what is after. */
const direct = /^(\s*(?:[A-Za-z_]\w* \**sc_t\d+ = )?)(sc_f_\w+)\((.*)\);((?: \/\*.*\*\/)?)$/;
const virtual = /^(\s*(?:[A-Za-z_]\w* \**sc_t\d+ = )?\(\(const \w+ \*\)sc_t\d+->vt\)->)(sc_vs_\w+)\((.*)\);((?: \/\*.*\*\/)?)$/;
/** A method's entry of a vtable. */
const entry = /^(static .*\bsc_vm_\w+\((.*)\) \{)$/;
const entryCall = /^ {2}(return )?(sc_f_\w+)\((.*)\);$/;

export function borrowParameters(program: Program): void {
  const all = functions(program);
  const borrowed = new Map<string, Borrowed>();
  for (const func of all) if (func.name.startsWith("sc_f_")) borrowed.set(func.name, parametersOf(func));
  const calls = refusals(program);
  refuse(borrowed, calls);
  const slots = slotsOf(program);
  addSlots(all, slots, borrowed);
  refuse(borrowed, calls);
  for (const func of all) {
    if (entry.test(func.lines[0] ?? "")) enter(func, slots, borrowed);
    else {
      endOwning(func, borrowed.get(func.name) ?? []);
      func.lines = func.lines.flatMap((line) => rewriteCall(line, borrowed));
    }
  }
}

/** Which of a function's parameters can be borrowed, as far as the function itself goes. */
function parametersOf(func: Func): Borrowed {
  const flow = flowOf(func);
  return func.params.map(({ type, name }) => {
    if (flow === undefined || !type.endsWith("*") || name === "sc_env") return undefined;
    let release: string | undefined;
    for (const line of func.lines.slice(1)) {
      if (!names(line).includes(name)) continue;
      const code = statement(line);
      const released = /^(sc_release__\w+|scr_\w+_release)\((\w+)\);$/.exec(code);
      if (released?.[2] === name) release = released[1];
      else if (assigned(line) === name || !isOnlyRead(code, name)) return undefined;
    }
    const isReleased = follow(flow.next, 0, (at) => {
      if (at === func.lines.length - 1) return "fail";
      return statement(func.lines[at] ?? "") === `${release}(${name});` ? "stop" : "on";
    });
    return isReleased ? release : undefined;
  });
}

/** Whether a statement does no more with a variable than look into it, take a reference of it or name it otherwise. */
function isOnlyRead(code: string, name: string): boolean {
  const rest = code
    .replaceAll(`${name}->`, "")
    .replace(new RegExp(`(?:sc_retain__\\w+|scr_\\w+_retain)\\(${name}\\)`, "g"), "")
    .replace(new RegExp(`^ScrBytes \\*sc_t\\d+ = ${name};$`), "");
  return !names(rest).includes(name);
}

/** A slot borrows what all of its methods borrow. Methods of one name are one slot, whatever their class. */
function addSlots(all: Func[], slots: Map<string, string>, borrowed: Map<string, Borrowed>): void {
  for (const func of all) {
    const name = slots.get(func.name);
    if (name === undefined) continue;
    const method = borrowed.get(entryCall.exec(func.lines[1] ?? "")?.[2] ?? "") ?? [];
    const own = func.params.map(({ type }, at) => (method[at] === undefined ? undefined : releaseOf(type)));
    const others = borrowed.get(name) ?? own;
    borrowed.set(name, own.map((release, at) => (release === others[at] ? release : undefined)));
  }
}

function releaseOf(type: string): string | undefined {
  const object = /^sc_o_(\w+) \*$/.exec(type)?.[1];
  if (object !== undefined) return `sc_release_${object}`;
  const kind = /^Scr(Str|Bytes|Arr|Union|Closure|Map) \*$/.exec(type)?.[1];
  return kind === undefined ? undefined : `scr_${kind.toLowerCase()}_release`;
}

/** What cannot be rewritten: argument places of callables, or all of one where the place is -1. */
function refusals(program: Program): [string, number][] {
  // By their address they are called by those who know nothing of this.
  const result: [string, number][] = [...addressTaken(program)].map((name) => [name, -1]);
  for (const item of program) {
    if (typeof item === "string" || entry.test(item.lines[0] ?? "")) continue;
    for (const line of item.lines.slice(1)) {
      const [, , callee, list] = direct.exec(line) ?? virtual.exec(line) ?? [];
      for (const name of line.match(/\bsc_(?:f|vs)_\w+/g) ?? []) if (name !== callee) result.push([name, -1]);
      if (callee === undefined || list === undefined) continue;
      splitArguments(list).forEach((argument, at) => {
        if (!retained.test(argument) && !/^sc_t\d+$/.test(argument)) result.push([callee, at]);
      });
    }
  }
  return result;
}

function refuse(borrowed: Map<string, Borrowed>, calls: [string, number][]): void {
  for (const [name, at] of calls) {
    const releases = borrowed.get(name);
    if (at === -1) borrowed.delete(name);
    else if (releases !== undefined) releases[at] = undefined;
  }
}

/** The parameters live until the function ends; a mark says where it used to release them. */
function endOwning(func: Func, releases: Borrowed): void {
  releases.forEach((release, at) => {
    const name = func.params[at]?.name;
    if (release === undefined) return;
    func.lines = func.lines.map((line) => (statement(line) === `${release}(${name});` ? `/*end ${name}*/` : line));
  });
}

/** A call, followed by the release of what it no longer takes. */
function rewriteCall(line: string, borrowed: Map<string, Borrowed>): string[] {
  const [, before, callee, list, after] = direct.exec(line) ?? virtual.exec(line) ?? [];
  const releases = borrowed.get(callee ?? "");
  if (releases === undefined || list === undefined) return [line];
  const indentation = /^\s*/.exec(line)?.[0] ?? "";
  const kept: string[] = [];
  const passed = splitArguments(list).map((argument, at) => {
    const release = releases[at];
    if (release === undefined) return argument;
    const name = retained.exec(argument)?.[1];
    if (name !== undefined) return name;
    kept.push(`${indentation}${release}(${argument});`);
    return argument;
  });
  return [`${before}${callee}(${passed.join(", ")});${after}`, ...kept];
}

/** The entry of a vtable: releases what its slot owns and its method borrows. */
function enter(func: Func, slots: Map<string, string>, borrowed: Map<string, Borrowed>): void {
  const [, returns, method] = entryCall.exec(func.lines[1] ?? "") ?? [];
  const own = borrowed.get(method ?? "") ?? [];
  const of = borrowed.get(slots.get(func.name) ?? "") ?? [];
  const releases = func.params.flatMap(({ type, name }, at) => (own[at] !== undefined && of[at] === undefined ? [`  ${releaseOf(type) ?? own[at]}(${name});`] : []));
  if (releases.length === 0) return;
  const call = statement(func.lines[1] ?? "").replace(/^return /, "");
  const type = /^static (.*?)\s*sc_vm_/.exec(func.lines[0] ?? "")?.[1];
  func.lines = returns === undefined
    ? [func.lines[0] ?? "", `  ${call}`, ...releases, "}"]
    : [func.lines[0] ?? "", `  ${type} result = ${call}`, ...releases, "  return result;", "}"];
}
