// What always throws: it need not be asked whether it has, and nothing comes of it.

import { functions, type Program } from "./program.ts";
import { release } from "./variables.ts";

/**
 * `T *sc_t1 = (scr_throw_node_coded(...), (T *)NULL);`, then the way out, as after any call. What goes on after that is
 * never run: mostly it gives the value that there is not to a variable, which then has one value less.
 */
export function throwAlways(program: Program): void {
  for (const func of functions(program)) {
    const { lines } = func;
    lines.forEach((line, at) => {
      const name = / \*(sc_t\d+) = \(scr_throw_node_coded\(.*\), \(\w+ \*\)NULL\);$/.exec(line)?.[1];
      const indentation = /^(\s*)if \(scr_exc_pending\(\)\) \{$/.exec(lines[at + 1] ?? "")?.[1];
      if (name === undefined || indentation === undefined) return;
      lines[at + 1] = `${indentation}if (true) {`;
      const close = lines.indexOf(`${indentation}}`, at);
      for (let on = at + 2; on < close; on++) if (release.exec(lines[on] ?? "")?.[1] === name) lines[on] = "";
      if (new RegExp(`^\\s*sc_\\w+ = ${name};`).test(lines[close + 1] ?? "")) lines[close + 1] = "";
    });
  }
}
