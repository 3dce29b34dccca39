// Calls after which an argument has no more use: where that is common, a function calls and releases in one.

import { functions, type Program, splitArguments } from "./program.ts";
import { release } from "./variables.ts";

/** The runtime's functions that are worth it: what they return and take. */
const runtime: Record<string, string> = {
  scr_str_concat: "ScrStr *(ScrStr *, ScrStr *)",
  sc_concat_shared: "ScrStr *(ScrStr *, ScrStr *)",
  scr_str_eq: "bool (ScrStr *, ScrStr *)",
  scr_str_split_limit: "ScrArr *(ScrStr *, ScrStr *, double)",
  scr_str_slice: "ScrStr *(ScrStr *, double, double)",
  scr_str_starts_with: "bool (ScrStr *, ScrStr *)",
  scr_string_to_number: "double (ScrStr *)",
  scr_union_get_f64: "double (ScrUnion *)",
  scr_rethrow: "void (ScrCaught *)",
};

/** A function of its own costs as much as this many releases. */
const WORTH = 4;

/** A call, and the releases that come right after it. */
interface Use { lines: string[]; at: number; call: RegExpExecArray; key: string; releases: string[]; end: number }

const call = /^(\s*(?:(?:\w+ \**)?sc_\w+ = )?)((?:sc_f|scr|sc_concat)_\w+)\(([^()]*)\);((?: \/\*.*\*\/)?)$/;

export function releaseInCall(program: Program): void {
  const types = signatures(program);
  const uses = new Map<string, Use[]>();
  for (const func of functions(program)) {
    func.lines.forEach((_, at) => {
      const use = useAt(func.lines, at, types);
      if (use !== undefined) uses.set(use.key, [...(uses.get(use.key) ?? []), use]);
    });
  }
  const helpers: string[] = [];
  for (const [key, all] of uses) {
    const [first] = all;
    if (first === undefined || all.length < WORTH) continue;
    const name = `sc_call_${helpers.length}`;
    helpers.push(helper(name, key, first, types));
    for (const { lines, at, call: [, before, , list, after], end } of all) {
      lines[at] = `${before}${name}(${list});${after}`;
      lines.fill("", at + 1, end);
    }
  }
  const first = program.findIndex((item) => typeof item !== "string" && item.name.startsWith("sc_f_"));
  program.splice(first, 0, ...helpers);
}

function useAt(lines: string[], at: number, types: Map<string, string>): Use | undefined {
  const found = call.exec(lines[at] ?? "");
  if (found === null || !types.has(found[2] ?? "") || release.test(lines[at] ?? "")) return undefined;
  const list = splitArguments(found[3] ?? "");
  const releases = list.map(() => "");
  let end = at + 1;
  for (; end < lines.length; end++) {
    const line = lines[end] ?? "";
    const argument = list.indexOf(release.exec(line)?.[1] ?? "");
    if (line === "") continue;
    if (argument < 0 || releases[argument] !== "") break;
    releases[argument] = /(\w+)\(/.exec(line)?.[1] ?? "";
  }
  if (releases.every((name) => name === "")) return undefined;
  return { lines, at, call: found, key: `${found[2]}(${releases.join()})`, releases, end };
}

function helper(name: string, key: string, { call: [, , callee], releases }: Use, types: Map<string, string>): string {
  const [, result, list] = /^(.*?)\(([^()]*)\)$/.exec(types.get(callee ?? "") ?? "") ?? [];
  if (result === undefined || list === undefined) throw new Error(`no type for ${key}`);
  const names = releases.map((_, at) => `a${at}`);
  const params = list.split(", ").map((type, at) => `${type} ${names[at]}`).join(", ");
  const [keep, give] = result.trim() === "void" ? ["", ""] : [`${result}result = `, " return result;"];
  const released = releases.map((release, at) => (release === "" ? "" : ` ${release}(${names[at]});`)).join("");
  return `static __attribute__((noinline)) ${result}${name}(${params}) { ${keep}${callee}(${names.join(", ")});${released}${give} }`;
}

/** What functions return and take, as `RESULT (TYPE, TYPE)`. */
function signatures(program: Program): Map<string, string> {
  const result = new Map(Object.entries(runtime));
  for (const func of functions(program)) {
    const type = /^static (.*?)\s*(sc_f_\w+)\(/.exec(func.lines[0] ?? "");
    if (type !== null) result.set(func.name, `${type[1]} (${func.params.map((param) => param.type.trim()).join(", ")})`);
  }
  return result;
}
