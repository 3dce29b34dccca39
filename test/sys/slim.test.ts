// The pass over the compiler's C: what goes, and above all what has to stay. Programs here are written as the compiler does.

import { describe, expect, test } from "bun:test";
import { literals } from "../../sys/slim/modules.ts";
import { body, bodyOf } from "./emitted.ts";

const owned = "  scr_str_release(sc_l_s_0);";

describe("a reference to a variable's value", () => {
  const use = "  ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);\n  double sc_t1 = scr_str_utf16_len(sc_t0);";

  test("is idle while the variable keeps it", () => {
    expect(body("ScrStr *sc_l_s_0", `${use}\n  scr_str_release(sc_t0);\n${owned}`)).toEqual([
      "ScrStr *sc_t0 = sc_l_s_0;",
      "int64_t sc_t1 = scr_str_utf16_len(sc_t0);",
      "scr_str_release(sc_l_s_0);",
    ]);
  });

  test("is needed once the variable has another", () => {
    const lines = `${use}\n  ScrStr *sc_t2 = sc_l_s_0;\n  sc_l_s_0 = NULL;\n  scr_str_release(sc_t2);\n  scr_print(sc_t0);\n  scr_str_release(sc_t0);\n${owned}`;
    expect(body("ScrStr *sc_l_s_0", lines)).toContain("ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);");
  });

  test("is needed where it is given away on one of the paths", () => {
    const lines = `${use}\n  bool sc_t2 = true;\n  if (sc_t2) {\n    scr_arr_push_ref(sc_l_a_0, sc_t0);\n  } else {\n    scr_str_release(sc_t0);\n  }\n  scr_print(sc_l_s_0);\n${owned}`;
    expect(body("ScrStr *sc_l_s_0", lines)).toContain("ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);");
  });

  test("is needed in a loop that assigns the variable later", () => {
    const lines = `  for (;;) {\n  ${use}\n    scr_str_release(sc_t3);\n    ScrStr *sc_t3 = sc_t0;\n    ScrStr *sc_t2 = scr_new();\n    sc_l_s_0 = sc_t2;\n  }`;
    expect(body("ScrStr *sc_l_s_0", lines)).toContain("ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);");
  });

  test("takes over the variable's own where that has no more use", () => {
    const lines = `  ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);\n  scr_arr_push_ref(sc_g_list, sc_t0);\n${owned}`;
    expect(body("ScrStr *sc_l_s_0", lines)).toEqual(["ScrStr *sc_t0 = sc_l_s_0;", "scr_arr_push_ref(sc_g_list, sc_t0);"]);
  });

  test("but not across a call that may know its address", () => {
    const lines = `  ScrBytes *sc_t0 = scr_bytes_retain(sc_l_s_0);\n  scr_arr_push_ref(sc_g_list, sc_t0);\n  double sc_t1 = mote_call(sc_l_a_0);\n  scr_bytes_release(sc_l_s_0);`;
    expect(body("ScrBytes *sc_l_s_0, double sc_l_a_0", lines)).toContain("scr_bytes_release(sc_l_s_0);");
  });

  test("is taken by whoever appends to it", () => {
    const lines = `  ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);\n  ScrStr *sc_t1 = scr_str_concat(sc_t0, sc_l_s_0);\n  scr_str_release(sc_t0);\n  sc_g_text = sc_t1;\n${owned}`;
    expect(body("ScrStr *sc_l_s_0", lines)).toContain("ScrStr *sc_t1 = sc_concat_shared(sc_t0, sc_l_s_0);");
  });
});

describe("a reference to a field's value", () => {
  const setter = `static void sc_f_set(sc_o__C *sc_l_c_0) {
  ScrStr *sc_t0 = scr_new();
  ScrStr *sc_t1 = sc_l_c_0->sc_fld_name;
  sc_l_c_0->sc_fld_name = sc_t0;
  scr_str_release(sc_t1);
}
static void sc_f_outer(sc_o__C *sc_l_c_0) {
  sc_f_set(sc_l_c_0);
}`;
  const use = (call: string): string =>
    `  ScrStr *sc_t0 = scr_str_retain(sc_l_c_0->sc_fld_name);\n  ${call}\n  scr_str_trim(sc_t0);\n  scr_str_release(sc_t0);\n  sc_release__C(sc_l_c_0);`;

  test("is idle where nothing called assigns the field", () => {
    expect(body("sc_o__C *sc_l_c_0", use("scr_str_trim(sc_l_x_0);"), setter)).toContain("ScrStr *sc_t0 = sc_l_c_0->sc_fld_name;");
  });

  test.each(["sc_f_set(sc_l_c_0);", "sc_f_outer(sc_l_c_0);", "sc_l_c_0->sc_fld_name = sc_l_x_0;"])("is needed across %s", (call) => {
    expect(body("sc_o__C *sc_l_c_0", use(call), setter)).toContain("ScrStr *sc_t0 = scr_str_retain(sc_l_c_0->sc_fld_name);");
  });

  test("is needed across closures, one of which assigns it, and what may call one", () => {
    const closure = `${setter}\nvoid *closure = &sc_f_outer;`;
    for (const call of ["((void (*)(ScrClosure *))sc_l_f_0->fn)(sc_l_f_0);", "scr_timer_run(sc_l_f_0);"]) {
      expect(body("sc_o__C *sc_l_c_0", use(call), closure)).toContain("ScrStr *sc_t0 = scr_str_retain(sc_l_c_0->sc_fld_name);");
    }
  });
});

describe("a parameter", () => {
  const callee = `static void sc_f_take(ScrStr *sc_l_s_0) {
  ScrStr *sc_t0 = scr_str_retain(sc_l_s_0);
  scr_print(sc_t0);
  scr_str_release(sc_t0);
  scr_str_release(sc_l_s_0);
}`;
  const caller = "  ScrStr *sc_t0 = scr_new();\n  sc_f_take(sc_t0);\n  if (scr_exc_pending()) {\n    return;\n  }";

  test("is borrowed, and released by the caller whether or not the call has thrown", () => {
    expect(bodyOf("take", `${callee}\nstatic void sc_f_main(void) {\n${caller}\n}`)).toEqual(["ScrStr *sc_t0 = sc_l_s_0;", "scr_print(sc_t0);"]);
    const throwing = callee.replace("  scr_print(sc_t0);", "  scr_print(sc_t0);\n  scr_throw_f64(sc_g_n);");
    expect(body("void", caller, throwing).slice(0, 4)).toEqual(["ScrStr *sc_t0 = scr_new();", "sc_f_take(sc_t0);", "scr_str_release(sc_t0);", "if (scr_exc_kind != SCR_EXC_NONE) {"]);
  });

  test("stays the callee's where the function is called by address", () => {
    expect(bodyOf("take", `${callee}\nvoid *taken = &sc_f_take;`)).toContain("scr_str_release(sc_l_s_0);");
    expect(body("void", caller, `${callee}\nvoid *taken = &sc_f_take;`)).not.toContain("scr_str_release(sc_t0);");
  });

  test("stays the callee's where it gives it away", () => {
    const keeps = callee.replace("  scr_str_release(sc_l_s_0);", "  sc_g_text = sc_l_s_0;");
    expect(body("void", caller, keeps)).not.toContain("scr_str_release(sc_t0);");
  });
});

describe("a release on several paths", () => {
  const lines = (type: string): string =>
    `  Scr *sc_t0 = scr_new();\n  scr_print(sc_t0);\n  bool sc_t1 = sc_f_other();\n  if (scr_exc_pending()) {\n    scr_${type}_release(sc_t0);\n    return;\n  }\n  sc_f_other();\n  scr_${type}_release(sc_t0);`;
  const other = "static bool sc_f_other(void) {\n  return true;\n}";

  test("comes right after the last use of a string", () => {
    expect(body("void", lines("str"), other).slice(0, 3)).toEqual(["Scr *sc_t0 = scr_new();", "scr_print(sc_t0);", "scr_str_release(sc_t0);"]);
  });

  test("and stays where it is for what may have given its address", () => {
    const result = body("void", lines("bytes"), other);
    expect(result.lastIndexOf("scr_bytes_release(sc_t0);")).toBeGreaterThan(result.lastIndexOf("sc_f_other();"));
  });
});

describe("what a union or a catch holds", () => {
  test("is used in place after the check that it is there", () => {
    const lines = `  ScrStr *sc_t0;
  if (sc_l_u_0->tag == 1) {
    ScrStr *sc_t1 = (scr_throw_node_coded(sc_t8, sc_t9, sc_t9), (ScrStr *)NULL);
    if (scr_exc_pending()) {
      scr_str_release(sc_t1);
      scr_union_release(sc_l_u_0);
      return;
    }
    sc_t0 = sc_t1;
  } else {
    ScrStr *sc_t2 = scr_str_retain((ScrStr *)scr_union_peek(sc_l_u_0));
    sc_t0 = sc_t2;
  }
  scr_print(sc_t0);
  scr_str_release(sc_t0);
  scr_union_release(sc_l_u_0);`;
    const result = body("ScrUnion *sc_l_u_0", lines);
    expect(result).toContain("ScrStr *sc_t2 = (ScrStr *)scr_union_peek(sc_l_u_0);");
    expect(result.filter((line) => line.startsWith("scr_str_release"))).toEqual([]);
    const other = lines.replace("scr_print(sc_t0);", "scr_union_release(sc_l_u_0);\n  sc_l_u_0 = sc_l_v_0;\n  scr_print(sc_t0);");
    expect(body("ScrUnion *sc_l_u_0, ScrUnion *sc_l_v_0", other)).toContain("ScrStr *sc_t2 = scr_str_retain((ScrStr *)scr_union_peek(sc_l_u_0));");
  });

  test("keeps its reference where it outlives the catch", () => {
    const lines = (kept: string): string => `  ScrCaught *sc_l_e_0 = scr_exc_take();
  sc_o__E *sc_t0 = (sc_o__E *)sc_l_e_0->retain_fn(sc_l_e_0->payload);
  ${kept}
  sc_release__E(sc_t0);
  scr_caught_release(sc_l_e_0);`;
    expect(body("void", lines("scr_print(sc_t0);"))).toContain("sc_o__E *sc_t0 = (sc_o__E *)sc_l_e_0->payload;");
    expect(body("void", lines("scr_caught_release(sc_l_e_0);\n  sc_l_e_0 = NULL;\n  scr_print(sc_t0);"))).toContain(
      "sc_o__E *sc_t0 = (sc_o__E *)sc_l_e_0->retain_fn(sc_l_e_0->payload);",
    );
  });
});

test("an arm of a union that holds nothing is among the constants", () => {
  const program = ["static ScrUnion sc_unit_3 = { .rc = SIZE_MAX, .tag = 1 }; /* u5 unit arm */"];
  literals(program);
  expect(program).toEqual(["static const ScrUnion sc_unit_3 = { .rc = SIZE_MAX, .tag = 1 }; /* u5 unit arm */"]);
});
