// What the runtime does with objects of each class, by a table instead of functions of its own.
//
// To give an object's references back, all of them or those that the collector of cycles does not know, and to show it
// those that it does, the compiler writes four functions for each class that differ in the fields alone. Here the fields
// are a row of bytes, and the functions what is common to all classes.

import { Func, functions, type Program } from "./program.ts";

/** The fields of a class that are references: how each is given back, those first that the collector does not know. */
interface Shape { fields: [field: string, release: string][]; untraced: number; isCyclic: boolean }

const RELEASE = /^\s*(sc_release__\w+|scr_\w+_release)\(o->(sc_fld_\w+)\);$/;
const dispatch = "o->vt->release(o);";

const common = [
  "static void sc_drop(void *o, const uint8_t *field, unsigned count) { for (; count > 0; count--, field += 2) sc_releases[field[1]](*(void **)((char *)o + field[0] * sizeof(void *))); }",
  "static __attribute__((noinline)) void sc_drop_acyclic(void *o, const uint8_t *shape) { if (--*(size_t *)o == 0) { sc_drop(o, shape + 2, shape[1]); free(o); } }",
  "static __attribute__((noinline)) void sc_drop_cyclic(void *o, const uint8_t *shape) { if (--*(size_t *)o == 0) { scr_cyc_on_dead(o); sc_drop(o, shape + 2, shape[1]); scr_cyc_free(o); } else scr_cyc_on_release(o); }",
  "static __attribute__((noinline)) void sc_release_acyclic(void *o, const uint8_t *shape) { if (o && *(size_t *)o != SIZE_MAX) sc_drop_acyclic(o, shape); }",
  "static __attribute__((noinline)) void sc_release_cyclic(void *o, const uint8_t *shape) { if (o && *(size_t *)o != SIZE_MAX) sc_drop_cyclic(o, shape); }",
  "static __attribute__((noinline)) void sc_trace_fields(void *o, ScrTraceVisit visit, void *ctx, const uint8_t *shape) { for (unsigned at = shape[0]; at < shape[1]; at++) visit(*(void **)((char *)o + shape[2 + 2 * at] * sizeof(void *)), ctx); }",
  "static __attribute__((noinline)) void sc_free_fields(void *o, const uint8_t *shape) { sc_drop(o, shape + 2, shape[0]); scr_cyc_free(o); }",
];

export function shareClasses(program: Program): void {
  const all = new Map(functions(program).map((func) => [func.name, func]));
  /** The places of release functions in the table; those of classes that others extend are one. */
  const kinds: string[] = [];
  const kindOf = (release: string): number => {
    const dispatches = all.get(release)?.lines.some((line) => line.trim().startsWith(dispatch)) ?? false;
    const known = dispatches ? kinds.findIndex((kind) => all.get(kind)?.lines.some((line) => line.trim().startsWith(dispatch))) : kinds.indexOf(release);
    return known >= 0 ? known : kinds.push(release) - 1;
  };
  const rows: string[] = [];
  for (const item of program) {
    const name = typeof item === "string" ? /^struct sc_o_(\w+) \{/.exec(item)?.[1] : undefined;
    const shape = name === undefined ? undefined : shapeOf(name, all);
    if (name === undefined || shape === undefined) continue;
    const pairs = shape.fields.map(([field, release]) => `offsetof(sc_o_${name}, ${field}) / sizeof(void *), ${kindOf(release)}`);
    rows.push(`static const uint8_t sc_shape_${name}[] = { ${[shape.untraced, shape.fields.length, ...pairs].join(", ")} };`);
    rewrite(name, shape, all);
  }
  if (rows.length === 0) return;
  if (kinds.length > 256) throw new Error("more kinds of references than a byte holds");
  const table = `static void (*const sc_releases[])(void *) = { ${kinds.map((kind) => `(void (*)(void *))&${kind}`).join(", ")} };`;
  // Behind the declarations of them all.
  const first = program.findIndex((item) => item instanceof Func && /^sc_(?:retain|release|new|reld)__/.test(item.name));
  program.splice(first, 0, table, ...rows, ...common);
}

/** What the functions of a class do, if it is what they do for every class. */
function shapeOf(name: string, all: Map<string, Func>): Shape | undefined {
  const release = bodyOf(all.get(`sc_reld_${name}`) ?? all.get(`sc_release_${name}`));
  if (release === undefined || release.includes(dispatch)) return undefined;
  const isCyclic = release.includes("scr_cyc_free(o);");
  const rest = release.filter((line) => !RELEASE.test(line)).join(" ");
  const count = `${all.has(`sc_reld_${name}`) ? "" : "if (!o || o->rc == SIZE_MAX) return; "}if (--o->rc == 0) {`;
  if (rest !== (isCyclic ? `${count} scr_cyc_on_dead(o); scr_cyc_free(o); } else { scr_cyc_on_release(o); }` : `${count} free(o); }`)) return undefined;
  const fields = release.flatMap((line): [string, string][] => {
    const [, kind, field] = RELEASE.exec(line) ?? [];
    return kind === undefined || field === undefined ? [] : [[field, kind]];
  });
  if (!isCyclic) return { fields, untraced: fields.length, isCyclic };
  const trace = bodyOf(all.get(`sc_trace_${name}`)), gcfree = bodyOf(all.get(`sc_gcfree_${name}`));
  if (trace === undefined || gcfree === undefined) return undefined;
  const traced = trace.map((line) => /^visit\(o->(sc_fld_\w+), ctx\);$/.exec(line)?.[1]);
  const freed = gcfree.filter((line) => line !== "scr_cyc_free(o0);").map((line) => RELEASE.exec(line)?.[2]);
  const names = fields.map(([field]) => field);
  const isWhole = [...traced, ...freed].every((field) => field !== undefined && names.includes(field)) && traced.length + freed.length === fields.length;
  if (!isWhole) return undefined;
  const known = new Set(traced);
  return { fields: [...fields.filter(([field]) => !known.has(field)), ...fields.filter(([field]) => known.has(field))], untraced: freed.length, isCyclic };
}

/** The statements of a function that say something. */
function bodyOf(func: Func | undefined): string[] | undefined {
  return func?.lines.slice(1, -1).map((line) => line.replace(/\/\*.*?\*\//g, "").trim()).filter((line) => line !== "" && line !== "scr_obj_free_note();" && !/ \*o = \(sc_o_\w+ \*\)o0;$/.test(line));
}

function rewrite(name: string, { isCyclic }: Shape, all: Map<string, Func>): void {
  const kind = isCyclic ? "cyclic" : "acyclic";
  const set = (func: Func | undefined, call: string): void => {
    if (func === undefined) return;
    const [head = ""] = func.lines;
    func.lines = [head.replace(/^static /, "static __attribute__((noinline)) "), `  ${call}`, "}"];
  };
  const dropped = all.get(`sc_reld_${name}`);
  if (dropped !== undefined) set(dropped, `sc_drop_${kind}(o0, sc_shape_${name});`);
  else set(all.get(`sc_release_${name}`), `sc_release_${kind}(o, sc_shape_${name});`);
  if (!isCyclic) return;
  set(all.get(`sc_trace_${name}`), `sc_trace_fields(${all.get(`sc_trace_${name}`)?.params[0]?.name}, visit, ctx, sc_shape_${name});`);
  set(all.get(`sc_gcfree_${name}`), `sc_free_fields(o0, sc_shape_${name});`);
}
