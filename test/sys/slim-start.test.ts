// The passes over the compiler's C that leave to the start of the program only what has to be done then.

import { describe, expect, test } from "bun:test";
import { slim } from "../../sys/slim/passes.ts";
import { bodyOf } from "./emitted.ts";

const check = "  if (scr_exc_pending()) {\n    return;\n  }";
const table = "  double sc_t0 = 256.0;\n  ScrBytes *sc_t1 = scr_bytes_new(SCR_BYTES_U8, sc_t0);\n  sc_g_m1_table = sc_t1;";

/** A program with a module, and a function that reads its variable. */
function program(lines: string, others = "", use = "  scr_print(sc_g_m1_table);"): string {
  return `static ScrBytes *sc_g_m1_table; /* table */
static ScrBytes *sc_g_m1_other; /* other */
static double sc_g_m1_count; /* count */
${others}
static void sc_f__x25_init_1(void) {
${lines}
}
static void sc_f_use(void) {
${use}
}
static void sc_f__x25_main(void) {
  sc_f__x25_init_1();
${check}
  sc_f_use();
}`;
}

/** Whether the variable is made when it is first asked for. */
const isLazy = (text: string): boolean => slim(text).includes("scr_print(sc_lazy_m1_table());");

describe("the value of a module's variable", () => {
  test("is made when it is asked for", () => {
    const text = slim(program(table)).split("\n");
    expect(text).toContain("  if (sc_g_m1_table) return sc_g_m1_table;");
    expect(bodyOf("_x25_init_1", program(table))).toEqual([]);
    expect(isLazy(program(table))).toBe(true);
  });

  const pure = "static ScrBytes * sc_f_make(void) {\n  ScrBytes *sc_t0 = scr_bytes_new(SCR_BYTES_U8, sc_l_n_0);\n  return sc_t0;\n}";
  const made = "  ScrBytes *sc_t1 = sc_f_make();\n  sc_g_m1_table = sc_t1;";

  test("is made by functions that look at nothing else", () => {
    expect(isLazy(program(made, pure))).toBe(true);
  });

  test.each([
    ["ask the system", "  mote_call(sc_l_n_0);\n  return NULL;"],
    ["look at what changes", "  return sc_f_of(sc_g_m1_count);"],
    ["ask for the time", "  scr_date_now();\n  return NULL;"],
    ["call others that do", "  sc_f_use();\n  return NULL;"],
  ])("is made at the start by functions that %s", (_, lines) => {
    const changed = "  sc_g_m1_count = sc_l_x_0;\n  mote_call(sc_l_x_0);\n  scr_print(sc_g_m1_table);";
    expect(isLazy(program(made, `static ScrBytes * sc_f_make(void) {\n${lines}\n}`, changed))).toBe(false);
  });

  test("is made at the start where it is assigned again", () => {
    expect(isLazy(program(table, "", "  scr_print(sc_g_m1_table);\n  sc_g_m1_table = sc_l_x_0;"))).toBe(false);
  });

  test("is made at the start where the module goes on with it", () => {
    const text = program(`${table}\n  scr_bytes_fill(sc_g_m1_table);`);
    expect(bodyOf("_x25_init_1", text)).toEqual(["scr_bytes_fill(sc_lazy_m1_table());"]);
  });

  test("is made at the start where another's making changes it", () => {
    const text = program(`${table}\n  scr_bytes_fill(sc_g_m1_table);\n  ScrBytes *sc_t2 = scr_bytes_new(SCR_BYTES_U8, sc_t9);\n  sc_g_m1_other = sc_t2;`);
    expect(bodyOf("_x25_init_1", text)).toContain("scr_bytes_fill(sc_lazy_m1_table());");
  });

  test("is a view of another, made at the same time", () => {
    const text = slim(program(`${table}\n  ScrBytes *sc_t2 = scr_bytes_retain(sc_g_m1_table);\n  ScrBytes *sc_t3 = scr_dataview_new(sc_t2, 0, false, 0);\n  sc_g_m1_other = sc_t3;\n  scr_bytes_release(sc_t2);`));
    expect(text).toContain("  ScrBytes *sc_t2 = sc_lazy_m1_table();\n  ScrBytes *sc_t3 = scr_dataview_new(sc_t2, 0, false, 0);\n  sc_g_m1_other = sc_t3;\n  return sc_g_m1_other;");
  });
});

describe("whether an initialization has thrown", () => {
  test("is not asked where it cannot", () => {
    expect(bodyOf("_x25_main", program(table))).toEqual(["sc_f__x25_init_1();", "sc_f_use();"]);
  });

  test("is asked where it can", () => {
    const throws = "  scr_throw_str(sc_l_x_0);\n  return;";
    expect(bodyOf("_x25_main", program(throws))).toContain("if (scr_exc_kind != SCR_EXC_NONE) {");
  });
});

describe("whether a call has thrown", () => {
  const caller = (callee: string, call = "sc_f_callee()"): string => `${callee}\nstatic void sc_f_main(ScrBytes *sc_l_b_0) {\n  ${call};\n${check}\n  scr_print(sc_g_text);\n}\nvoid *keep = &sc_f_main;`;
  const asks = (text: string): boolean => bodyOf("main", text).join().includes("SCR_EXC_NONE");
  const making = (length: string): string => `static void sc_f_callee(void) {\n  double sc_t0 = ${length};\n  ScrBytes *sc_t1 = scr_bytes_new(SCR_BYTES_U8, sc_t0);\n${check}\n  scr_bytes_release(sc_t1);\n}`;

  test("is not asked of one that only makes an array of a length that is known", () => {
    expect(asks(caller(making("16.0")))).toBe(false);
    expect(asks(caller(making("(double)sc_l_b_0->len")))).toBe(false);
  });

  test("is asked of one whose length is not", () => {
    expect(asks(caller(making("sc_l_n_0")))).toBe(true);
    expect(asks(caller(making("-1.0")))).toBe(true);
  });

  test("is asked of closures, and of methods any of which throws", () => {
    expect(asks(caller("", "((void (*)(ScrClosure *))sc_l_b_0->fn)(sc_l_b_0)"))).toBe(true);
    const methods = (second: string): string => `static const sc_vtt_A sc_vtable_A = {\n  &sc_vm_A_on /* on */\n};\nstatic const sc_vtt_A sc_vtable_B = {\n  &sc_vm_B_on /* on */\n};
static void sc_f_A_on(void) {\n  scr_print(sc_g_text);\n}\nstatic void sc_f_B_on(void) {\n  ${second}\n}
static void sc_vm_A_on(sc_o_A *o) {\n  sc_f_A_on();\n}\nstatic void sc_vm_B_on(sc_o_A *o) {\n  sc_f_B_on();\n}`;
    const call = "((const sc_vtt_A *)sc_l_b_0->vt)->sc_vs_on(sc_l_b_0)";
    expect(asks(caller(methods("scr_print(sc_g_text);"), call))).toBe(false);
    expect(asks(caller(methods("scr_throw_str(sc_g_text);"), call))).toBe(true);
  });
});

describe("a parameter that is a union for nothing", () => {
  const program = (others: string): string => `static double sc_f_of(ScrUnion *sc_l_b_0);
static ScrBytes * sc_f__x25_union_narrow_0(ScrUnion *sc_l_u_0);
static double sc_f_of(ScrUnion *sc_l_b_0) {
  ScrUnion *sc_t0 = scr_union_retain(sc_l_b_0);
  ScrBytes *sc_t1 = sc_f__x25_union_narrow_0(sc_t0);
  if (scr_exc_pending()) {
    scr_bytes_release(sc_t1);
    scr_union_release(sc_l_b_0);
    return 0;
  }
  double sc_t2 = mote_address(sc_t1->data);
  scr_bytes_release(sc_t1);
  scr_union_release(sc_l_b_0);
  return sc_t2;
}
static void sc_f_main(ScrBytes *sc_l_b_0, ScrUnion *sc_l_u_0) {
${others}
  scr_bytes_release(sc_l_b_0);
  scr_union_release(sc_l_u_0);
}
void *keep = &sc_f_main;`;

  test("is the value where it is made a union for the call", () => {
    const lines = `  ScrBytes *sc_t0 = scr_bytes_retain(sc_l_b_0);\n  ScrUnion *sc_t1 = scr_union_new_ref(0, sc_t0, &scr_bytes_retain_v, &scr_bytes_release_v, NULL);\n  double sc_t2 = sc_f_of(sc_t1);\n${check}`;
    const result = bodyOf("main", program(lines));
    expect(result.slice(0, 2)).toEqual(["ScrBytes *sc_t0 = sc_l_b_0;", "int64_t sc_t2 = sc_f_of_value(sc_t0);"]);
    expect(result.join()).not.toContain("SCR_EXC_NONE");
  });

  test("stays one where it has been one before", () => {
    const lines = `  ScrUnion *sc_t1 = scr_union_retain(sc_l_u_0);\n  double sc_t2 = sc_f_of(sc_t1);\n${check}`;
    expect(bodyOf("main", program(lines)).join()).toContain("sc_f_of(sc_t1)");
  });
});
