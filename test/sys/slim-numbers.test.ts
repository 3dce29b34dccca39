// The pass over the compiler's C that makes integers of numbers: which it may, and what then becomes of operators.

import { describe, expect, test } from "bun:test";
import { ANY, combine, interval, join } from "../../sys/slim/ranges.ts";
import { body, bodyOf, declaration } from "./emitted.ts";

describe("a variable", () => {
  test.each([
    ["5.0", "int32_t"],
    ["-1.0", "int32_t"],
    ["4294967296.0", "int64_t"],
    ["0.5", "double"],
    ["-0.0", "double"],
    ["INFINITY", "double"],
    ["9007199254740992.0", "double"],
    ["(double)(int64_t)sc_l_b_0->len", "int64_t"],
    ["sc_bytes_get_u8(sc_l_b_0, sc_l_x_0)", "int32_t"],
    ["scr_bit_or(sc_l_x_0, sc_l_x_0)", "int32_t"],
    ["scr_str_char_code_at(sc_l_s_0, sc_l_x_0)", "double"],
    ["mote_call(sc_l_x_0)", "int64_t"],
    ["scr_dataview_get(sc_l_b_0, sc_l_x_0, SCR_DV_U16, true)", "int32_t"],
    ["scr_dataview_get(sc_l_b_0, sc_l_x_0, SCR_DV_F64, true)", "double"],
  ])("that is %s is of type %s", (value, type) => {
    expect(body("ScrBytes *sc_l_b_0, ScrStr *sc_l_s_0, double sc_l_x_0", `  double sc_t0 = ${value};`)[0]).toStartWith(`${type} sc_t0 = `);
  });

  test("that is one or the other has room for both", () => {
    const lines = (other: string): string => `  double sc_l_n_0;\n  double sc_t0 = 1.0;\n  sc_l_n_0 = sc_t0;\n  double sc_t1 = ${other};\n  sc_l_n_0 = sc_t1;`;
    expect(body("void", lines("4294967296.0"))).toContain("int64_t sc_l_n_0;");
    expect(body("void", lines("0.5"))).toContain("double sc_l_n_0;");
    expect(body("void", lines("sc_f_unknown()"))).toContain("double sc_l_n_0;");
  });

  test("that counts is an integer, but not what it grows to by products", () => {
    const lines = "  double sc_l_n_0;\n  double sc_t0 = 0.0;\n  sc_l_n_0 = sc_t0;\n  for (;;) {\n    double sc_t1 = 1.0;\n    double sc_t2 = sc_l_n_0 + sc_t1;\n    sc_l_n_0 = sc_t2;\n    double sc_t3 = 2.0;\n    double sc_t4 = sc_l_n_0 * sc_t3;\n  }";
    expect(body("void", lines)).toContain("int64_t sc_l_n_0;");
    expect(body("void", lines)).toContain("double sc_t4 = (double)sc_l_n_0 * sc_t3;");
    const digits = "  double sc_l_n_0;\n  double sc_t0 = 0.0;\n  sc_l_n_0 = sc_t0;\n  for (;;) {\n    double sc_t1 = 10.0;\n    double sc_t2 = sc_l_n_0 * sc_t1;\n    double sc_t3 = 9.0;\n    double sc_t4 = sc_t2 + sc_t3;\n    sc_l_n_0 = sc_t4;\n  }";
    expect(body("void", digits)).toContain("double sc_l_n_0;");
  });

  test("whose address goes somewhere stays as it is", () => {
    expect(body("void", "  double sc_t0 = 1.0;\n  scr_fill(&sc_t0);")).toContain("double sc_t0 = 1.0;");
  });

  test("that the compiler compares without a sign stays as it is", () => {
    expect(body("void", "  double sc_t0 = 1.0;\n  if (!(sc_i0 < sc_t0)) return;")).toContain("double sc_t0 = 1.0;");
  });
});

describe("an operator on integers", () => {
  const int = "  double sc_t0 = 3000000000.0;\n  double sc_t1 = 7.0;\n";

  test.each([
    ["sc_t0 + sc_t1", "int64_t", "(int64_t)sc_t0 + sc_t1"],
    ["sc_t1 - sc_t1", "int32_t", "(int32_t)sc_t1 - sc_t1"],
    ["sc_t0 / sc_t1", "double", "(double)sc_t0 / sc_t1"],
    ["sc_t0 * sc_t0", "double", "(double)sc_t0 * sc_t0"],
    ["fmod(sc_t0, sc_t1)", "int32_t", "sc_t0 % sc_t1"],
    ["scr_math_min(sc_t0, sc_t1)", "int32_t", "sc_t0 < sc_t1 ? sc_t0 : sc_t1"],
    ["floor(sc_t0)", "int64_t", "sc_t0"],
    ["scr_bit_and(sc_t0, sc_t1)", "int32_t", "(int32_t)((uint32_t)sc_t0 & (uint32_t)sc_t1)"],
    ["scr_bit_ushr(sc_t0, sc_t1)", "int64_t", "(uint32_t)sc_t0 >> ((uint32_t)sc_t1 & 31)"],
    ["-sc_t0", "int64_t", "-(int64_t)sc_t0"],
    ["mote_address((const uint8_t *)sc_l_b_0->data, sc_l_b_0->len)", "int64_t", "(int64_t)(uintptr_t)sc_l_b_0->data"],
    ["sc_bytes_get_u8(sc_l_b_0, sc_t1)", "int32_t", "sc_bytes_get_u8_int(sc_l_b_0, sc_t1)"],
  ])("%s", (value, type, result) => {
    expect(body("ScrBytes *sc_l_b_0", `${int}  double sc_t2 = ${value};`)).toContain(`${type} sc_t2 = ${result};`);
  });

  test("is the runtime's where the remainder may be by zero", () => {
    const lines = "  double sc_t0 = (double)(int64_t)sc_l_b_0->len;\n  double sc_t1 = fmod(sc_t0, sc_t0);";
    expect(body("ScrBytes *sc_l_b_0", lines)).toContain("double sc_t1 = fmod(sc_t0, sc_t0);");
  });

  test("divides where only the whole part is asked for, and nothing is negative", () => {
    const lines = (a: string): string => `  double sc_t0 = ${a};\n  double sc_t1 = 8.0;\n  double sc_t2 = sc_t0 / sc_t1;\n  double sc_t3 = floor(sc_t2);`;
    expect(body("void", lines("20.0"))).toContain("int32_t sc_t3 = sc_t0 / sc_t1;");
    expect(body("void", lines("-20.0"))).toContain("double sc_t3 = floor(sc_t2);");
  });
});

describe("what goes from one function to another", () => {
  const caller = (value: string): string => `static double sc_f_half(double sc_l_n_0);\nstatic double sc_f_half(double sc_l_n_0) {\n  return sc_l_n_0;\n}\nstatic void sc_f_main(void) {\n  double sc_t0 = ${value};\n  double sc_t1 = sc_f_half(sc_t0);\n}`;

  test("is what all who call it give", () => {
    expect(declaration(caller("5.0"), "sc_f_half(")).toBe("static int32_t sc_f_half(int32_t sc_l_n_0);");
    expect(bodyOf("main", caller("5.0"))).toContain("int32_t sc_t1 = sc_f_half(sc_t0);");
    expect(declaration(caller("0.5"), "sc_f_half(")).toBe("static double sc_f_half(double sc_l_n_0);");
  });

  test("is anything where it is called by its address", () => {
    expect(declaration(`${caller("5.0")}\nvoid *taken = &sc_f_half;`, "sc_f_half(")).toBe("static double sc_f_half(double sc_l_n_0);");
  });

  test("through a vtable is the same for all methods of a name", () => {
    const program = (value: string): string => `struct sc_vtt_C {
  ScrVt head;
  void (*sc_vs_on)(sc_o_C *, double); /* on */
};
static void sc_vm_C_on(sc_o_C *, double);
static const sc_vtt_C sc_vtable_C = { /* class C */
  &sc_vm_C_on /* on */
};
static void sc_f_C_on(sc_o_C *sc_l_this_0, double sc_l_n_0) {
  sc_g_n = sc_l_n_0;
}
static void sc_vm_C_on(sc_o_C *o, double sc_a0) {
  sc_f_C_on((sc_o_C *)o, sc_a0);
}
static void sc_f_main(sc_o_C *sc_l_c_0) {
  double sc_t0 = ${value};
  ((const sc_vtt_C *)sc_l_c_0->vt)->sc_vs_on(sc_l_c_0, sc_t0);
}
void *keep = &sc_f_main;`;
    for (const [value, type] of [["5.0", "int32_t"], ["0.5", "double"]] as const) {
      expect(declaration(program(value), "(*sc_vs_on)")).toStartWith(`void (*sc_vs_on)(sc_o_C *, ${type});`);
      expect(declaration(program(value), "sc_vm_C_on(")).toContain(`${type} sc_a0`);
      expect(declaration(program(value), "sc_f_C_on(")).toContain(`${type} sc_l_n_0`);
    }
  });

  test("in a union is the number that was put there", () => {
    const program = (value: string): string => `static ScrUnion * sc_f_maybe(void) {\n  double sc_t0 = ${value};\n  ScrUnion *sc_t1 = scr_union_new_f64(0, sc_t0);\n  return sc_t1;\n}\nstatic void sc_f_main(void) {\n  ScrUnion *sc_t0 = sc_f_maybe();\n  double sc_t1 = scr_union_get_f64(sc_t0);\n}`;
    expect(bodyOf("main", program("5.0"))).toContain("int32_t sc_t1 = scr_union_get_f64(sc_t0);");
    expect(bodyOf("main", program("0.5"))).toContain("double sc_t1 = scr_union_get_f64(sc_t0);");
  });
});

describe("a field", () => {
  const program = (value: string, target = "sc_t1"): string => `struct sc_o_C {
  size_t rc;
  double sc_fld_n; /* n */
};
struct sc_o_D {
  size_t rc;
  double sc_fld_n; /* n */
};
static void sc_f_main(sc_o_C *sc_l_c_0, void *sc_l_x_0) {
  double sc_t0 = ${value};
  sc_o_C *sc_t1 = sc_l_c_0;
  ${target}->sc_fld_n = sc_t0;
}
void *keep = &sc_f_main;`;

  test("is what is assigned to it, or zero", () => {
    expect(declaration(program("5.0"), "sc_fld_n;")).toBe("int32_t sc_fld_n; /* n */");
    expect(declaration(program("0.5"), "sc_fld_n;")).toBe("double sc_fld_n; /* n */");
  });

  test("is anything where an object of unknown class has it assigned", () => {
    expect(declaration(program("5.0", "((sc_o_C *)sc_l_x_0)"), "sc_fld_n;")).toBe("double sc_fld_n; /* n */");
  });

  test("is another class's where the classes have nothing to do with each other", () => {
    const text = program("0.5").split("struct sc_o_D {");
    expect(declaration(text.join("struct sc_o_D {"), "sc_fld_n;")).toBe("double sc_fld_n; /* n */");
    expect(declaration(`struct sc_o_D {${text[1]}`.replace("static void", "struct sc_o_C {\n  double sc_fld_n;\n};\nstatic void"), "sc_fld_n;")).toBe("int32_t sc_fld_n; /* n */");
  });
});

describe("ranges", () => {
  test("hold every result of an operation, as JavaScript computes it", () => {
    const values = [-9, -2, -1, 0, 1, 3, 8];
    const results: Record<string, (a: number, b: number) => number> = {
      "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "%": (a, b) => a % b, min: Math.min, max: Math.max,
      "&": (a, b) => a & b, "|": (a, b) => a | b, "^": (a, b) => a ^ b, ">>>": (a, b) => a >>> b,
    };
    for (const [operator, result] of Object.entries(results)) {
      for (const low of values) for (const high of values) for (const from of values) for (const to of values) {
        if (low > high || from > to) continue;
        const range = combine(operator, interval(low, high), interval(from, to));
        if (range === ANY || range === undefined) continue;
        for (const a of values) for (const b of values) {
          if (a < low || a > high || b < from || b > to) continue;
          const value = result(a, b);
          if (value < range.low || value > range.high || Number.isNaN(value)) throw new Error(`${a} ${operator} ${b} = ${value} is not in ${range.low}..${range.high}`);
        }
      }
    }
  });

  test("grow in a few steps", () => {
    let range = join(undefined, interval(0, 0)), steps = 0;
    for (let high = 1; high < 2 ** 53; high = Math.ceil(high * 1.5)) {
      const joined = join(range, interval(0, high));
      if (joined !== range) steps++;
      range = joined;
    }
    expect(steps).toBeLessThan(10);
  });
});
