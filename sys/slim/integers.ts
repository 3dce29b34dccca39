// Which numbers are integers.
//
// Every number of the language is a double, most of those that a program handles are integers: lengths, bytes, descriptors,
// states. A place that only ever gets integers is found by following what is assigned to it, through the whole program:
// calls, results, fields, unions. It becomes a 32 or 64-bit integer (retype.ts); C converts where it meets a double.

import { ANY, combine, INDEX, INT32, interval, join, quotient, type Range, SIZE, WORD } from "./ranges.ts";
import { assigned, type Func, functions, type Program, splitArguments } from "./program.ts";
import { resultOf, Slots } from "./slots.ts";

/** What an expression can be, given what the places in it can be. */
type Value = (of: Map<string, Range>) => Range;

/** A place, and what goes there. */
interface FlowTo { to: string; value: Value }

/** For each place what it can be. */
export function integers(program: Program, slots: Slots): Map<string, Range> {
  const flows: FlowTo[] = [];
  // Fields and variables of modules are zero until they are assigned.
  for (const to of slots.all) if (!to.includes(" ") && !to.endsWith("()")) flows.push({ to, value: () => interval(0, 0) });
  for (const item of program) {
    const [, to, value] = (typeof item === "string" ? /^static double const (sc_g_\w+) = (.*);/.exec(item) : null) ?? [];
    if (to !== undefined && value !== undefined) flows.push({ to, value: constant(value) });
  }
  for (const func of functions(program)) flows.push(...flowsOf(func, slots));
  const result = new Map<string, Range>();
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const { to, value } of flows) {
      const known = result.get(to);
      if (known === ANY) continue;
      const joined = join(known, value(result));
      if (joined === known) continue;
      result.set(to, joined);
      isMore = true;
    }
  }
  return result;
}

function flowsOf(func: Func, slots: Slots): FlowTo[] {
  const flows: FlowTo[] = [];
  const flow = (to: string | undefined, value: Value): void => {
    if (to !== undefined && slots.all.has(to)) flows.push({ to, value });
  };
  const anything = (): Range => ANY;
  const isCallable = slots.callable.has(func.name);
  if (!isCallable) for (const { name } of func.params) flow(slots.named(func, name), anything);
  const quotients = quotientsOf(func);
  const valueOf = (text: string): Value => expression(func, text, slots, quotients);
  for (const line of func.lines.slice(1)) {
    const [, target = "", text] = /^\s*(?:double |ScrUnion \*)?(sc_[tlg]_?\w+|result|\w+->sc_fld_\w+) = (.*?);(?: \/\*.*\*\/)?$/.exec(line) ?? [];
    if (text !== undefined) flow(slots.named(func, target), valueOf(text));
    else flow(slots.named(func, assigned(line) ?? ""), anything);
    const returned = /^\s*return (.*?);(?: \/\*.*\*\/)?$/.exec(line)?.[1];
    if (returned !== undefined && resultOf(func) !== undefined) flow(slots.result(func.name), isCallable ? valueOf(returned) : anything);
    // By its address anything may be assigned; the compiler's own counters are unsigned.
    for (const [, name = ""] of line.matchAll(/&(sc_\w+|\w+->sc_fld_\w+)/g)) flow(slots.named(func, name), anything);
    for (const [, name = ""] of line.matchAll(/\bsc_i\d+ [<>=!]+ (sc_\w+)\b(?!->)/g)) flow(slots.named(func, name), anything);
    for (const [, name = ""] of line.matchAll(/\b(sc_[tlg]_?\w+|\w+->sc_fld_\w+) (?:[-+*/%&|^]|<<|>>)=/g)) flow(slots.named(func, name), anything);
    // An object of unknown class may be of any.
    for (const [, object = "", field = ""] of line.matchAll(/(\w+|\))->(sc_fld_\w+) [-+*/%&|^]?=(?!=)/g)) {
      if (!slots.isKnown(func, object)) for (const name of slots.all) if (name.endsWith(`.${field}`)) flow(name, anything);
    }
    for (const { callee, list } of callsIn(line)) {
      const called = slots.callable.get(callee);
      if (called !== undefined) called.params.forEach(({ name }, at) => flow(slots.named(called, name), valueOf(list[at] ?? "")));
      else if (callee.startsWith("sc_vs_")) list.slice(1).forEach((argument, at) => flow(`${callee} ${at}`, valueOf(argument)));
    }
  }
  return flows;
}

/** Temporaries that are a quotient, and what of. */
export function quotientsOf(func: Func): Map<string, [string, string]> {
  const result = new Map<string, [string, string]>();
  for (const line of func.lines) {
    const [, name, left, right] = /^\s*double (sc_t\d+) = (sc_t\d+) \/ (sc_t\d+);/.exec(line) ?? [];
    if (name !== undefined && left !== undefined && right !== undefined) result.set(name, [left, right]);
  }
  return result;
}

/** The calls of the program's own functions in a line. */
function callsIn(line: string): { callee: string; list: string[] }[] {
  const result: { callee: string; list: string[] }[] = [];
  for (const match of line.matchAll(/\b(sc_(?:f|vm|vs)_\w+)\(/g)) {
    const start = match.index + match[0].length;
    let end = start;
    for (let depth = 1; depth > 0 && end < line.length; end++) depth += line[end] === "(" ? 1 : line[end] === ")" ? -1 : 0;
    result.push({ callee: match[1] ?? "", list: splitArguments(line.slice(start, end - 1)) });
  }
  return result;
}

function constant(text: string): Value {
  const value = Number(text);
  const range: Range = Number.isSafeInteger(value) && !Object.is(value, -0) ? interval(value, value) : ANY;
  return () => range;
}

/** What functions of the runtime return. All those of C return integers. */
const results: Record<string, Range> = {
  sc_bytes_get_u8: interval(0, 255),
  sc_bytes_get_u8_u64: interval(0, 255),
  sc_bytes_get_u32: interval(0, 2 ** 32 - 1),
  scr_str_utf16_len: SIZE,
  scr_str_index_of: INDEX,
  scr_str_last_index_of: INDEX,
  scr_str_last_index_of_from: INDEX,
  scr_arr_push_ref: SIZE,
  scr_arr_push_f64: SIZE,
  scr_arr_push_spread: SIZE,
  scr_arr_unshift_ref: SIZE,
  scr_arr_index_of_ref: INDEX,
  scr_arr_next_present: INDEX,
  scr_arr_state: INDEX,
  scr_map_iter_count: SIZE,
  scr_map_size: SIZE,
  scr_bytes_byte_offset: SIZE,
  scr_bit_not: INT32,
};

const operators: Record<string, string> = { scr_bit_or: "|", scr_bit_and: "&", scr_bit_xor: "^", scr_bit_shl: "<<", scr_bit_shr: ">>", scr_bit_ushr: ">>>", fmod: "%", scr_math_min: "min", scr_math_max: "max" };
const bits = new Set(["|", "&", "^", "<<", ">>", ">>>"]);

function expression(func: Func, text: string, slots: Slots, quotients: Map<string, [string, string]>): Value {
  const of = (name: string): Value => {
    if (/^-?\d/.test(name)) return constant(name);
    const slot = slots.named(func, name);
    return slot === undefined ? () => ANY : (known) => known.get(slot);
  };
  if (/^-?\d[\d.e+]*$/.test(text)) return constant(text);
  // A union of something else than a number, or none.
  if (text === "NULL" || /^(?:\(ScrUnion \*\)&sc_unit_\d+|(?:sc_union_\d+|scr_union_new_(?:ref|bool))\(.*\))$/.test(text)) return () => undefined;
  const same = /^(?:scr_union_retain\()?(\w+(?:->\w+)?)\)?$/.exec(text)?.[1] ?? /^scr_union_get_f64\((sc_\w+)\)$/.exec(text)?.[1] ?? /^scr_union_new_f64\(\d+, (sc_\w+)\)$/.exec(text)?.[1];
  if (same !== undefined) return of(same);
  const negated = /^-(sc_\w+)$/.exec(text)?.[1];
  if (negated !== undefined) return (known) => combine("-", interval(0, 0), of(negated)(known));
  const [, left, operator, right] = /^(sc_\w+) ([-+*]) (sc_\w+|\d[\d.]*)$/.exec(text) ?? [];
  if (left !== undefined && operator !== undefined && right !== undefined) return (known) => combine(operator, of(left)(known), of(right)(known));
  if (/^\(double\)(?:\(int64_t\))?\w+->len$/.test(text) || /^\(double\)sc_i\d+$/.test(text)) return () => SIZE;
  if (/^\(double\)\(\(int64_t\)sc_\w+ [-+] \(int64_t\)sc_\w+\)$/.test(text)) return () => WORD;
  if (/^\(double\)(sc_bits_\d+) - \(\(\1 & 0x80000000u\) \? 4294967296\.0 : 0\.0\)$/.test(text)) return () => INT32;
  if (/^\(double\)sc_bits_\d+$/.test(text)) return () => interval(0, 2 ** 32 - 1);
  const method = /^\(\(const \w+ \*\)\w+->vt\)->(sc_vs_\w+)\(.*\)$/.exec(text)?.[1];
  if (method !== undefined) return (known) => (slots.all.has(`${method}()`) ? known.get(`${method}()`) : ANY);
  const [, callee = "", list = ""] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  const called = slots.callable.has(callee) ? slots.result(callee) : undefined;
  if (called !== undefined) return (known) => (slots.all.has(called) ? known.get(called) : ANY);
  if (callee === "scr_dataview_get") {
    const kind = /SCR_DV_([UI])(8|16|32)\b/.exec(list);
    if (kind === null) return () => ANY;
    const size = 2 ** Number(kind[2]);
    return () => (kind[1] === "U" ? interval(0, size - 1) : interval(-size / 2, size / 2 - 1));
  }
  if (callee.startsWith("mote_")) return () => WORD;
  const [a = "", b = ""] = splitArguments(list);
  const divided = quotients.get(a);
  if (callee === "floor" && divided !== undefined) return (known) => quotient(of(divided[0])(known), of(divided[1])(known));
  if (/^(?:floor|ceil|trunc|scr_math_round)$/.test(callee)) return of(a);
  const combined = operators[callee];
  if (combined === undefined) return () => results[callee] ?? ANY;
  return (known) => {
    const result = combine(combined, of(a)(known), of(b)(known));
    return result === ANY && bits.has(combined) ? (combined === ">>>" ? interval(0, 2 ** 32 - 1) : INT32) : result;
  };
}
