// The passes over the compiler's C that shorten what is done when something has been thrown, and the ways out.

import { describe, expect, test } from "bun:test";
import { slim } from "../../sys/slim/passes.ts";
import { body, bodyOf } from "./emitted.ts";

const thrown = (lines: string, indentation = "  "): string => `${indentation}if (scr_exc_pending()) {\n${lines}\n${indentation}}`;
const maker = "static ScrStr * sc_f_make(void) {\n  scr_throw_str(sc_g_text);\n  return NULL;\n}";

describe("a call that has thrown", () => {
  test("has returned nothing that is to be released, and is told by that", () => {
    const lines = `  ScrStr *sc_t0 = sc_f_make();\n${thrown("    scr_str_release(sc_t0);\n    return;")}\n  sc_g_text = sc_t0;`;
    expect(body("void", lines, maker)).toEqual(["ScrStr *sc_t0 = sc_f_make();", "if (!sc_t0) {", "return;", "}", "sc_g_text = sc_t0;"]);
  });

  test("is told by the exception where it returns a number", () => {
    const count = "static double sc_f_count(void) {\n  scr_throw_str(sc_g_text);\n  return 0;\n}";
    expect(body("void", `  double sc_t0 = sc_f_count();\n${thrown("    return;")}`, count)).toContain("if (scr_exc_kind != SCR_EXC_NONE) {");
  });

  test("that might return something all the same ends the build", () => {
    const broken = maker.replace("return NULL;", "return sc_g_text;");
    expect(() => slim(`${broken}\nstatic void sc_f_main(void) {\n  return;\n}`)).toThrow("sc_f_make");
  });
});

describe("what is missing", () => {
  const text = (id: number, words: string): string => `static struct { size_t rc; size_t len; size_t cap; char data[9]; } sc_lit_${id} =\n    { SIZE_MAX, 8, 8, "${words}" };`;
  const lines = (id: number): string => `  double sc_t0 = 1.0;
  ScrStr *sc_t1 = scr_str_retain((ScrStr *)&sc_lit_0);
  ScrStr *sc_t2 = scr_str_retain((ScrStr *)&sc_lit_${id});
  ScrStr *sc_t3 = (scr_throw_node_coded(sc_t0, sc_t1, sc_t2), (ScrStr *)NULL);
${thrown("    scr_str_release(sc_t3);\n    return;")}
  sc_g_text = sc_t3;`;

  test("is one error without a name", () => {
    expect(body("void", lines(1), text(1, "Cannot read properties of undefined (reading 'x')"))).toContain("sc_missing();");
  });

  test("is not taken for another error", () => {
    expect(body("void", lines(1), text(1, "invalid"))).toContain("scr_throw_node_coded(sc_t0, sc_t1, sc_t2);");
  });
});

describe("what a union holds", () => {
  const narrow = `static ScrStr * sc_f__x25_union_narrow_0(ScrUnion *sc_l_u_0) {
  ScrUnion *sc_t0 = scr_union_retain(sc_l_u_0);
  bool sc_t1 = sc_t0->tag == 1;
  scr_union_release(sc_t0);
  if (sc_t1) {
    scr_throw_obj(sc_t3, &scr_error_retain_v, &scr_error_release_v, NULL);
    scr_union_release(sc_l_u_0);
    return NULL;
  }
  ScrUnion *sc_t4 = scr_union_retain(sc_l_u_0);
  ScrStr *sc_t5 = scr_str_retain((ScrStr *)scr_union_peek(sc_t4));
  scr_union_release(sc_t4);
  scr_union_release(sc_l_u_0);
  return sc_t5;
}`;

  test("is taken where it is, without a call", () => {
    const lines = `  ScrUnion *sc_t0 = scr_union_retain(sc_l_u_0);
  ScrStr *sc_t1 = sc_f__x25_union_narrow_0(sc_t0);
${thrown("    scr_str_release(sc_t1);\n    scr_union_release(sc_l_u_0);\n    return;")}
  scr_print(sc_t1);
  scr_str_release(sc_t1);
  scr_union_release(sc_l_u_0);`;
    const result = body("ScrUnion *sc_l_u_0", lines, narrow);
    expect(result).toContain("ScrStr *sc_t1 = (ScrStr *)scr_union_peek(sc_t0);");
    expect(result).toContain("sc_missing();");
    expect(result.join()).not.toContain("narrow");
  });
});

describe("a question about a union", () => {
  const first = `  bool sc_t0 = sc_l_u_0->tag == 1;\n  if (sc_t0) {\n    return;\n  }\n`;
  const again = `  bool sc_t1 = sc_l_u_0->tag == 1;\n  if (sc_t1) {\n    scr_a();\n  } else {\n    scr_b();\n  }`;
  const parameters = "ScrUnion *sc_l_u_0, ScrUnion *sc_l_v_0";

  test("is answered by an earlier one", () => {
    const result = body(parameters, first + again);
    expect(result).toContain("scr_b();");
    expect(result).not.toContain("scr_a();");
  });

  test("is asked again where the variable has been assigned", () => {
    expect(body(parameters, `${first}  sc_l_u_0 = sc_l_v_0;\n${again}`)).toContain("scr_a();");
  });

  test("is asked again where it was not asked on every path", () => {
    const sometimes = `  if (sc_l_x_0) {\n    bool sc_t0 = sc_l_u_0->tag == 1;\n    if (sc_t0) {\n      return;\n    }\n  }\n`;
    expect(body(parameters, sometimes + again)).toContain("scr_a();");
  });

  test("is asked again where both answers lead to it", () => {
    expect(body(parameters, `  bool sc_t0 = sc_l_u_0->tag == 1;\n  if (sc_t0) {\n    scr_c();\n  }\n${again}`)).toContain("scr_a();");
  });

  test("is asked again about another alternative", () => {
    expect(body(parameters, first.replace("== 1", "== 2") + again)).toContain("scr_a();");
  });

  test("is answered the other way where it is the opposite", () => {
    const result = body(parameters, first + again.replace("== 1", "!= 1"));
    expect(result).toContain("scr_a();");
    expect(result).not.toContain("scr_b();");
  });
});

describe("ways out of a function", () => {
  const call = "static bool sc_f_other(void) {\n  scr_throw_str(sc_g_text);\n  return false;\n}";
  const step = (releases: string[], leave = "return;"): string => `  sc_f_other();\n${thrown([...releases.map((name) => `    scr_bytes_release(${name});`), `    ${leave}`].join("\n"))}`;
  const make = (at: number): string => `  ScrBytes *sc_t${at} = scr_bytes_make();`;

  test("share the releases that they have in common, whatever their order", () => {
    const lines = [make(0), step(["sc_t0"]), make(1), step(["sc_t0", "sc_t1"]), make(2), step(["sc_t2", "sc_t0", "sc_t1"]), "  scr_print(sc_g_text);", "  scr_bytes_release(sc_t0);", "  scr_bytes_release(sc_t1);", "  scr_bytes_release(sc_t2);"];
    const result = body("void", lines.join("\n"), call);
    expect(result.filter((line) => line.startsWith("scr_bytes_release"))).toEqual(["scr_bytes_release(sc_t2);", "scr_bytes_release(sc_t1);", "scr_bytes_release(sc_t0);"]);
    expect(result.slice(0, 3).toSorted()).toEqual(["ScrBytes *sc_t0;", "ScrBytes *sc_t1;", "ScrBytes *sc_t2;"]);
  });

  test("keep apart what is returned", () => {
    const lines = `${make(0)}\n${step(["sc_t0"], "return 0;")}\n  double sc_t1 = 0.5;\n  scr_bytes_release(sc_t0);\n  return sc_t1;`;
    const result = bodyOf("number", `${call}\nstatic double sc_f_number(void) {\n${lines}\n}`);
    expect(result.filter((line) => line.startsWith("scr_bytes_release"))).toHaveLength(1);
    expect(result).toContain("sc_result = sc_t1;");
    expect(result).toContain("sc_result = 0;");
    expect(result).toContain("return sc_result;");
  });

  test("declare what they release where they see it, a block's own too", () => {
    const block = `  {\n    ScrCaught *sc_fexc_0 = scr_exc_take();\n    scr_caught_release(sc_fexc_0);\n    return;\n  }`;
    const result = body("bool sc_l_x_0", `  if (sc_l_x_0) {\n${block}\n  }\n${block}`);
    expect(result).toContain("ScrCaught *sc_fexc_0;");
    expect(result.filter((line) => line === "scr_caught_release(sc_fexc_0);")).toHaveLength(1);
  });

  test("are not mixed with the ways to a handler", () => {
    const lines = [make(0), step(["sc_t0"], "goto sc_catch_0;"), step(["sc_t0"]), "  scr_print(sc_g_text);", "  scr_bytes_release(sc_t0);", "  sc_catch_0:;"];
    expect(body("void", lines.join("\n"), call).filter((line) => line.startsWith("scr_bytes_release"))).toHaveLength(3);
  });
});
