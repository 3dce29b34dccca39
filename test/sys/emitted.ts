// Programs as the compiler writes them, for tests of the passes over them.

import { slim } from "../../sys/slim/passes.ts";

/** The statements of function sc_f_main after the passes, its parameters being what the compiler would give it. */
export function body(parameters: string, lines: string, others = ""): string[] {
  return bodyOf("main", `${others}\nstatic void sc_f_main(${parameters}) {\n${lines}\n}\nvoid *keep = &sc_f_main;`);
}

/** The statements of any of a program's functions. */
export function bodyOf(name: string, program: string): string[] {
  const text = slim(program).split("\n");
  const start = text.findIndex((line) => line.includes(`sc_f_${name}(`) && line.endsWith("{"));
  return text.slice(start + 1, text.indexOf("}", start)).map((line) => line.trim());
}

/** The line of a program that declares a function, a field or a variable. */
export function declaration(program: string, name: string): string {
  return slim(program).split("\n").find((line) => line.includes(name))?.trim() ?? "";
}
