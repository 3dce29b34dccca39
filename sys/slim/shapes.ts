// Sequences that the compiler writes out again and again, made a function of their own, or shorter.

import { functions, type Program } from "./program.ts";

const out = "static __attribute__((noinline)) ";

export function shorten(program: Program): void {
  const helpers = new Map<string, string>();
  /** The name of a function with this text; `NAME` in the text is its name. */
  const helper = (kind: string, text: string): string => {
    const name = helpers.get(text) ?? `sc_${kind}_${helpers.size}`;
    helpers.set(text, name);
    return name;
  };
  const kinds = kindsOf(program);
  for (const func of functions(program)) {
    func.lines = alternatives(elements(func.lines.filter((line) => line !== "").join("\n"), helper), helper).split("\n");
    func.lines = func.lines.map((line) => lengths(unreachable(byKind(line, kinds, helper), helper)));
    if (/^sc_(?:release|reld|gcfree)_/.test(func.name)) func.lines = func.lines.map(releaseField);
    if (func.name === "sc_release_globals") func.lines.fill("", 1, func.lines.length - 1);
  }
  const first = program.findIndex((item) => typeof item !== "string" && item.name.startsWith("sc_f_"));
  program.splice(first, 0, ...[...helpers].map(([text, name]) => text.replace("NAME", name)));
}

/** What a loop over an array takes from it: a union of the element, or of undefined where there is none. */
function elements(text: string, helper: (kind: string, text: string) => string): string {
  const shape = new RegExp(
    String.raw`( *ScrArr \*(sc_t\d+) = (sc_l_\w+);\n *double (sc_t\d+) = (sc_l_\w+);\n)` +
      String.raw` *double (sc_t\d+) = scr_arr_state\(\2, \4\);\n *double (sc_t\d+) = 1\.0;\n *bool (sc_t\d+) = \6 == \7;\n` +
      String.raw`( *)ScrUnion \*(sc_t\d+);\n *if \(\8\) \{\n` +
      String.raw` *ScrArr \*(sc_t\d+) = \3;\n *double (sc_t\d+) = \5;\n` +
      String.raw` *\w+ \*?(sc_t\d+) = (scr_arr_get_\w+)\(\11, \12\);\n *ScrUnion \*(sc_t\d+) = (scr_union_new_\w+)\((\d+), \13(.*)\);\n *\10 = \15;\n` +
      String.raw` *\} else \{\n *ScrUnion \*(sc_t\d+) = (\(ScrUnion \*\)&sc_unit_\d+);\n *\10 = \19;\n *\}`,
    "g",
  );
  return text.replace(shape, (...found: string[]) => {
    const [, begin, array, , at, , , , , indentation, result, , , , get, , make, tag, rest, , none] = found;
    const name = helper("element", `${out}ScrUnion *NAME(ScrArr *array, double at) { return scr_arr_state(array, at) == 1.0 ? ${make}(${tag}, ${get}(array, at)${rest}) : ${none}; }`);
    return `${begin}${indentation}ScrUnion *${result} = ${name}(${array}, ${at});`;
  });
}

/** The text that a union holds, or a literal where it holds none, which is tag 1; the union is not needed any more. */
function alternatives(text: string, helper: (kind: string, text: string) => string): string {
  const shape = new RegExp(
    String.raw`( *)ScrStr \*(sc_t\d+);\n *if \((sc_t\d+)->tag == 1\) \{\n *scr_union_release\(\3\);\n` +
      String.raw` *ScrStr \*(sc_t\d+) = (\(ScrStr \*\)&sc_lit_\d+);\n *\2 = \4;\n` +
      String.raw` *\} else \{\n *\2 = scr_str_retain\(\(ScrStr \*\)scr_union_peek\(\3\)\);\n *scr_union_release\(\3\);\n *\}`,
    "g",
  );
  return text.replace(shape, (...found: string[]) => {
    const [, indentation, result, held, , otherwise] = found;
    const name = helper("text", `${out}ScrStr *NAME(ScrUnion *held, ScrStr *otherwise) { ScrStr *text = otherwise; if (held->tag != 1) text = scr_str_retain((ScrStr *)scr_union_peek(held)); scr_union_release(held); return text; }`);
    return `${indentation}ScrStr *${result} = ${name}(${held}, ${otherwise});`;
  });
}

/** Unions of a kind of reference, and objects of a class thrown. */
const kind = /\b(?:scr_union_new_ref\((\d+), (sc_\w+)|scr_throw_obj\((sc_\w+)), (&\w+, &\w+, (?:&\w+|NULL))\)/;

/** How often there is each. */
function kindsOf(program: Program): Map<string, number> {
  const count = new Map<string, number>();
  for (const func of functions(program)) {
    for (const line of func.lines) {
      const [, tag, , , of] = kind.exec(line) ?? [];
      if (of !== undefined) count.set(`${tag === undefined} ${of}`, (count.get(`${tag === undefined} ${of}`) ?? 0) + 1);
    }
  }
  return count;
}

function byKind(line: string, kinds: Map<string, number>, helper: (kind: string, text: string) => string): string {
  return line.replace(kind, (whole: string, tag: string | undefined, value: string, thrown: string, of: string) => {
    if ((kinds.get(`${tag === undefined} ${of}`) ?? 0) < 2) return whole;
    if (tag === undefined) return `${helper("throw", `${out}void NAME(void *value) { scr_throw_obj(value, ${of}); }`)}(${thrown})`;
    return `${helper("union", `${out}ScrUnion *NAME(uint32_t tag, void *value) { return scr_union_new_ref(tag, value, ${of}); }`)}(${tag}, ${value})`;
  });
}

/** The end of a function that the type checker has shown never to be reached. */
function unreachable(line: string, helper: (kind: string, text: string) => string): string {
  const call = /^(\s*)(scr_throw_error_msg_code\(SCR_ERR_ERROR, "unreachable: .*\);)/.exec(line);
  return call === null ? line : `${call[1]}${helper("unreachable", `${out}void NAME(void) { ${call[2]} }`)}();`;
}

/** Lengths and indexes of what is in memory fit a signed number, which converts from and to a double in one instruction. */
function lengths(line: string): string {
  return line
    .replace(/\(double\)(b|sc_t\d+)->len\b/, "(double)(int64_t)$1->len")
    .replace(/\bscr_arr_len\((sc_t\d+)\)/, "(double)(int64_t)$1->len")
    .replace("size_t idx = (size_t)i;", "size_t idx = (size_t)(int64_t)i;");
}

/** All releases let NULL be. */
function releaseField(line: string): string {
  return line.replace(/^(\s*)if \((o->sc_fld_\w+)\) (\w+\(\2\);)/, "$1$3");
}
