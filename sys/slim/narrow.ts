// What a union holds, taken from it by a function of the compiler's, taken in place.

import { type Func, functions, type Program } from "./program.ts";
import { MISSING, insert } from "./throws.ts";

/** How a narrowing function tells that there is nothing, and what it takes of a union `U`. */
interface Narrowing { isMissing: string; value: string }

const shape = new RegExp(
  String.raw`^static [^\n]*\n *ScrUnion \*(sc_t\d+) = scr_union_retain\(sc_l_u_0\);\n *bool (sc_t\d+) = \1->tag (== \d+);\n *scr_union_release\(\1\);\n *if \(\2\) \{\n` +
    String.raw`(?:[^\n]*\n)*? *return [^\n]*;\n *\}\n *ScrUnion \*(sc_t\d+) = scr_union_retain\(sc_l_u_0\);\n` +
    String.raw` *[^\n]*?(sc_t\d+) = ([^\n]*\(\4\)\)?);\n *scr_union_release\(\4\);\n *scr_union_release\(sc_l_u_0\);\n *return \5;[^\n]*\n\}$`,
);

export function narrowInPlace(program: Program): void {
  const narrowings = new Map<string, Narrowing>();
  for (const func of functions(program)) {
    if (!func.name.startsWith("sc_f__x25_union_narrow_")) continue;
    const [, , , isMissing, union, , value] = shape.exec(func.lines.join("\n")) ?? [];
    if (isMissing !== undefined && value !== undefined) narrowings.set(func.name, { isMissing, value: value.replace(`(${union})`, "(U)") });
  }
  let isUsed = false;
  for (const func of functions(program)) isUsed = expand(func, narrowings) || isUsed;
  if (isUsed && !program.includes(MISSING[0] ?? "")) insert(program, MISSING);
}

/** Whether there was something to do. */
function expand(func: Func, narrowings: Map<string, Narrowing>): boolean {
  const { lines } = func;
  let count = 0;
  let isUsed = false;
  for (const line of lines) for (const [, digits] of line.matchAll(/\bsc_t(\d+)\b/g)) count = Math.max(count, Number(digits) + 1);
  for (let at = 1; at < lines.length; at++) {
    const [, indentation, declared, callee = "", union] = /^(\s*)((?:\w+ \**)sc_t\d+) = (sc_f__x25_union_narrow_\d+)\((sc_t\d+)\);$/.exec(lines[at] ?? "") ?? [];
    const narrowing = narrowings.get(callee);
    if (narrowing === undefined || union === undefined || lines[at + 1] !== `${indentation}if (scr_exc_pending()) {`) continue;
    const close = lines.indexOf(`${indentation}}`, at);
    const question = `sc_t${count++}`;
    lines.splice(
      at, close - at + 1,
      `${indentation}bool ${question} = ${union}->tag ${narrowing.isMissing};`,
      `${indentation}if (${question}) {`,
      `${indentation}  sc_missing();`,
      `${indentation}  scr_union_release(${union});`,
      ...lines.slice(at + 2, close),
      `${indentation}}`,
      `${indentation}${declared} = ${narrowing.value.replace("(U)", `(${union})`)};`,
      `${indentation}scr_union_release(${union});`,
    );
    isUsed = true;
  }
  return isUsed;
}
