// The pass over the compiler's C that describes classes by rows of bytes.

import { describe, expect, test } from "bun:test";
import { slim } from "../../sys/slim/passes.ts";

const released = (lines: string, free: string, otherwise = ""): string => `  if (!o || o->rc == SIZE_MAX) return;\n  if (--o->rc == 0) {\n${lines}\n    scr_obj_free_note();\n    ${free}(o);\n  }${otherwise}`;
const cyclic = " else {\n    scr_cyc_on_release(o); /* possible cycle root; may collect */\n  }";

/** A class with a text, a list, and another of its kind, of which the collector of cycles knows. */
function program(gcfree = "  scr_str_release(o->sc_fld_text);\n  scr_arr_release(o->sc_fld_list);", extra = ""): string {
  return `struct sc_o__C {
  size_t rc;
  ScrStr *sc_fld_text; /* text */
  sc_o__C *sc_fld_next; /* next */
  ScrArr *sc_fld_list; /* list */
};
static void sc_release__C(sc_o__C *o) {
${released(`    scr_cyc_on_dead(o);\n    scr_str_release(o->sc_fld_text);\n    sc_release__C(o->sc_fld_next);\n    scr_arr_release(o->sc_fld_list);${extra}`, "scr_cyc_free", cyclic)}
}
static void sc_trace__C(void *o0, ScrTraceVisit visit, void *ctx) {
  sc_o__C *o = (sc_o__C *)o0;
  visit(o->sc_fld_next, ctx); /* next */
}
static void sc_gcfree__C(void *o0) {
  sc_o__C *o = (sc_o__C *)o0;
${gcfree}
  scr_obj_free_note();
  scr_cyc_free(o0);
}
static void sc_f_main(void) {
  return;
}`;
}

const text = (of: string): string[] => slim(of).split("\n");

describe("a class", () => {
  test("is a row of its references, those first that the collector does not know", () => {
    const row = text(program()).find((line) => line.startsWith("static const uint8_t sc_shape__C[]"));
    const at = (field: string): string => `offsetof(sc_o__C, sc_fld_${field}) / sizeof(void *)`;
    expect(row).toBe(`static const uint8_t sc_shape__C[] = { 2, 3, ${at("text")}, 0, ${at("list")}, 1, ${at("next")}, 2 };`);
    expect(text(program())).toContain("static void (*const sc_releases[])(void *) = { (void (*)(void *))&scr_str_release, (void (*)(void *))&scr_arr_release, (void (*)(void *))&sc_release__C };");
  });

  test("has functions that leave it all to common ones", () => {
    const lines = text(program());
    const body = (name: string): string | undefined => lines[lines.findIndex((line) => line.includes(` ${name}(`) && line.endsWith("{")) + 1]?.trim();
    expect(body("sc_release__C")).toBe("sc_release_cyclic(o, sc_shape__C);");
    expect(body("sc_trace__C")).toBe("sc_trace_fields(o0, visit, ctx, sc_shape__C);");
    expect(body("sc_gcfree__C")).toBe("sc_free_fields(o0, sc_shape__C);");
  });

  test.each([
    ["does something else in the end", program(undefined, "\n    scr_print(o);")],
    ["does not free what the collector does not know", program("  scr_str_release(o->sc_fld_text);")],
    ["frees what the collector knows", program("  scr_str_release(o->sc_fld_text);\n  scr_arr_release(o->sc_fld_list);\n  sc_release__C(o->sc_fld_next);")],
  ])("that %s keeps its own", (_, of) => {
    expect(slim(of)).not.toContain("sc_shape__C");
  });

  test("that others extend is given back by what it is", () => {
    const base = `struct sc_o__B {\n  size_t rc;\n  const ScrVt *vt;\n  ScrStr *sc_fld_text; /* text */\n};
static void sc_release__B(sc_o__B *o) {\n  if (!o || o->rc == SIZE_MAX) return;\n  o->vt->release(o); /* the DYNAMIC class's teardown */\n}
static void sc_reld__B(void *o0) {\n  sc_o__B *o = (sc_o__B *)o0;\n  if (--o->rc == 0) {\n    scr_str_release(o->sc_fld_text);\n    scr_obj_free_note();\n    free(o);\n  }\n}\n`;
    const lines = text(base + program());
    expect(lines).toContain("  sc_drop_acyclic(o0, sc_shape__B);");
    expect(lines.join("\n")).toContain("o->vt->release(o);");
  });
});
