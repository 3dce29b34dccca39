// Makes integers of the numbers that are: the types of their places, and the operations whose meaning depends on the type.

import { integers, quotientsOf } from "./integers.ts";
import { type Func, functions, type Program, splitArguments } from "./program.ts";
import { isInterval, isWithin, type Range } from "./ranges.ts";
import { Slots } from "./slots.ts";
import { insert } from "./throws.ts";

const INDEX = "static inline size_t sc_bytes_index_int(const ScrBytes *b, int64_t i) { if ((uint64_t)i >= b->len) { (void)scr_bytes_get(b, (double)i); return 0; } return (size_t)i; }";
/** By the function that each defines, in the order in which they need each other. */
const helpers: Record<string, string> = {
  sc_bytes_get_u8_int: "static inline int32_t sc_bytes_get_u8_int(const ScrBytes *b, int64_t i) { return b->data[sc_bytes_index_int(b, i)]; }",
  sc_bytes_set_u8_at: "static inline void sc_bytes_set_u8_at(ScrBytes *b, int64_t i, double v) { b->data[sc_bytes_index_int(b, i)] = (uint8_t)sc_bytes_coerce_u32(v); }",
  sc_bytes_set_u8_int: "static inline void sc_bytes_set_u8_int(ScrBytes *b, int64_t i, uint32_t v) { b->data[sc_bytes_index_int(b, i)] = (uint8_t)v; }",
  sc_integer_text:
    "static __attribute__((noinline)) ScrStr *sc_integer_text(int64_t n) { char digits[24]; size_t at = sizeof digits; uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n; do digits[--at] = '0' + rest % 10; while ((rest /= 10) != 0); if (n < 0) digits[--at] = '-'; return scr_str_new(digits + at, sizeof digits - at); }",
};

type Type = "int32_t" | "int64_t" | "double";

export function retype(program: Program): void {
  const slots = new Slots(program);
  const ranges = integers(program, slots);
  const typeOf = (slot: string | undefined): Type => (slot === undefined ? "double" : typeFor(ranges.get(slot)));
  for (const func of functions(program)) {
    const names = (text: string): Type => typeOf(slots.named(func, text));
    const [head = "", ...rest] = func.lines;
    const quotients = quotientsOf(func);
    func.lines = [head, ...rest.map((line) => rewrite(line, names, quotients))];
    if (!slots.callable.has(func.name)) continue;
    for (const param of func.params) {
      const type = names(param.name);
      if (param.type.trim() === "double" && type !== "double") param.type = `${type} `;
    }
    func.lines[0] = header(func, head, typeOf(slots.result(func.name)));
  }
  declare(program, slots, typeOf);
  const used = Object.entries(helpers).filter(([name]) => functions(program).some((func) => func.lines.some((line) => line.includes(`${name}(`))));
  insert(program, [...(used.some(([name]) => name.startsWith("sc_bytes_")) ? [INDEX] : []), ...used.map(([, text]) => text)]);
}

function typeFor(range: Range): Type {
  if (!isInterval(range)) return "double";
  return isWithin(range, -(2 ** 31), 2 ** 31 - 1) ? "int32_t" : "int64_t";
}

function header(func: Func, head: string, result: Type): string {
  const list = func.params.map(({ type, name }) => type + name).join(", ");
  return head.replace(/\([^()]*\) \{/, `(${list === "" ? "void" : list}) {`).replace(/\bdouble (sc_(?:f|vm)_\w+\()/, `${result} $1`);
}

/** Declarations of functions, fields and variables of modules. */
function declare(program: Program, slots: Slots, typeOf: (slot: string) => Type): void {
  let family = "";
  program.forEach((item, at) => {
    if (typeof item !== "string") return;
    const object = /^struct sc_o_(\w+) \{/.exec(item)?.[1];
    if (object !== undefined) family = slots.family(object);
    if (item === "};") family = "";
    const field = /^ {2}double (sc_fld_\w+);/.exec(item)?.[1];
    if (family !== "" && field !== undefined) program[at] = item.replace("double", typeOf(`${family}.${field}`));
    const global = /^static double (?:const )?(sc_g_\w+)(?: =|;)/.exec(item)?.[1];
    if (global !== undefined) program[at] = item.replace("double", typeOf(global));
    const declared = /^static .*\b(sc_(?:f|vm)_\w+)\([^()]*\);$/.exec(item)?.[1];
    const func = slots.callable.get(declared ?? "");
    if (func !== undefined) program[at] = (func.lines[0] ?? "").replace(/ \{.*$/, ";");
    // An entry of a vtable: the object, then the arguments.
    const [, before, result, entry, list, after] = /^( {2})(.*?)\(\*(sc_vs_\w+)\)\((.*)\)(;.*)$/.exec(item) ?? [];
    if (entry === undefined || list === undefined) return;
    const types = splitArguments(list).map((type, on) => (type === "double" ? typeOf(`${entry} ${on - 1}`) : type));
    program[at] = `${before}${result === "double " ? `${typeOf(`${entry}()`)} ` : result}(*${entry})(${types.join(", ")})${after}`;
  });
}

/** A line in which places have the types that `typeOf` says. */
function rewrite(line: string, typeOf: (text: string) => Type, quotients: Map<string, [string, string]>): string {
  const stored = /^(\s*)sc_bytes_set_u8\((sc_\w+), (sc_\w+), (sc_\w+)\);/.exec(line);
  if (stored !== null && typeOf(stored[3] ?? "") !== "double") {
    return line.replace("sc_bytes_set_u8(", typeOf(stored[4] ?? "") === "double" ? "sc_bytes_set_u8_at(" : "sc_bytes_set_u8_int(");
  }
  const [, before, isDeclared, target = "", , text, after] = /^(\s*)(double )?((sc_[tlg]_?\w+|result)|\w+->sc_fld_\w+) = (.*?);((?: \/\*.*\*\/)?)$/.exec(line) ?? [];
  if (text !== undefined) {
    const type = typeOf(target);
    return `${before}${isDeclared === undefined ? "" : `${type} `}${target} = ${operation(text, type, typeOf, quotients)};${after}`;
  }
  const printed = /^\s*ScrStr \*sc_t\d+ = scr_f64_to_scrstr\((sc_\w+)\);/.exec(line)?.[1];
  if (printed !== undefined && typeOf(printed) !== "double") return line.replace("scr_f64_to_scrstr(", "sc_integer_text(");
  const asked = /^(\s*bool sc_t\d+ = )(?:\(bool\))?isnan\((sc_\w+)\);/.exec(line);
  if (asked !== null && typeOf(asked[2] ?? "") !== "double") return `${asked[1]}false;`;
  const [, indentation, name, rest] = /^(\s*)double (sc_[tl]_?\w+)(;.*)$/.exec(line) ?? [];
  return name === undefined ? line : `${indentation}${typeOf(name)} ${name}${rest}`;
}

/** The operands of operators must have room for the result; functions of integers are operators. */
function operation(text: string, result: Type, typeOf: (text: string) => Type, quotients: Map<string, [string, string]>): string {
  const isInteger = (name: string | undefined): boolean => name !== undefined && (/^-?\d+(?:\.0)?$/.test(name) || typeOf(name) !== "double");
  const negated = /^-(sc_\w+)$/.exec(text)?.[1];
  if (negated !== undefined && isInteger(negated)) return `-(${result})${negated}`;
  const [, left, operator, right] = /^(sc_\w+) ([-+*/]) (sc_\w+|\d[\d.]*)$/.exec(text) ?? [];
  if (left !== undefined && right !== undefined) {
    if (!isInteger(left) || !isInteger(right)) return text;
    const isWide = [result, typeOf(left), typeOf(right)].includes("int64_t");
    const type = result === "double" || operator === "/" ? "double" : isWide ? "int64_t" : "int32_t";
    return `(${type})${left} ${operator} ${right.replace(/\.0$/, "")}`;
  }
  if (result === "double") return text;
  const whole = /^\(double\)((?:\(int64_t\))?\w+->len|sc_i\d+|\(\(int64_t\)sc_\w+ [-+] \(int64_t\)sc_\w+\))$/.exec(text)?.[1];
  if (whole !== undefined) return `(${result})${whole}`;
  const signed = /^\(double\)(sc_bits_\d+) - /.exec(text)?.[1];
  if (signed !== undefined) return `(int32_t)${signed}`;
  // An address is a number already; the compiler passes the length for C to see.
  const address = /^mote_address\(\(const uint8_t \*\)(\w+->data), \w+->len\)$/.exec(text)?.[1];
  if (address !== undefined) return `(${result})(uintptr_t)${address}`;
  const unsigned = /^\(double\)(sc_bits_\d+)$/.exec(text)?.[1];
  if (unsigned !== undefined) return unsigned;
  const [, callee = "", list = ""] = /^(\w+)\(([^()]*)\)$/.exec(text) ?? [];
  const [a = "", b = ""] = splitArguments(list);
  const [dividend, divisor] = quotients.get(a) ?? [];
  if (callee === "floor" && dividend !== undefined && divisor !== undefined && isInteger(dividend) && isInteger(divisor)) return `${dividend} / ${divisor}`;
  if (callee === "sc_bytes_get_u8" && isInteger(b)) return `sc_bytes_get_u8_int(${list})`;
  if (!isInteger(a)) return text;
  if (/^(?:floor|ceil|trunc|scr_math_round)$/.test(callee)) return a;
  if (!isInteger(b)) return text;
  if (callee === "fmod") return `${a} % ${b}`;
  if (callee === "scr_math_min") return `${a} < ${b} ? ${a} : ${b}`;
  if (callee === "scr_math_max") return `${a} > ${b} ? ${a} : ${b}`;
  const bits: Record<string, string> = { scr_bit_or: "|", scr_bit_and: "&", scr_bit_xor: "^" };
  if (bits[callee] !== undefined) return `(int32_t)((uint32_t)${a} ${bits[callee]} (uint32_t)${b})`;
  if (callee === "scr_bit_shl") return `(int32_t)((uint32_t)${a} << ((uint32_t)${b} & 31))`;
  if (callee === "scr_bit_shr") return `(int32_t)(uint32_t)${a} >> ((uint32_t)${b} & 31)`;
  if (callee === "scr_bit_ushr") return `(uint32_t)${a} >> ((uint32_t)${b} & 31)`;
  return text;
}
