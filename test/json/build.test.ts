import { describe, expect, test } from "bun:test";
import { MAX_DEPTH } from "../../json/parse.ts";
import { printJson } from "../../json/print.ts";
import { JsonKind, JsonValue } from "../../json/value.ts";
import { parseText, plain, text } from "./oracle.ts";

const print = (value: JsonValue) => text(printJson(value));

describe("building", () => {
  test("scalars", () => {
    expect(print(JsonValue.null())).toBe("null");
    expect(print(JsonValue.bool(true))).toBe("true");
    expect(print(JsonValue.bool(false))).toBe("false");
    expect(print(JsonValue.string(""))).toBe("\"\"");
    expect(print(JsonValue.string("\ufeffé😀"))).toBe("\"\ufeffé😀\"");
    for (const n of [0, -0, 1, -1.5, 1e21, 1e-7, 2 ** 53, Number.MAX_VALUE, NaN, Infinity, -Infinity]) {
      expect(print(JsonValue.number(n))).toBe(JSON.stringify(n));
    }
  });

  test("containers", () => {
    expect(print(JsonValue.object())).toBe("{}");
    expect(print(JsonValue.array())).toBe("[]");
    const value = JsonValue.object()
      .set("list", JsonValue.array().push(JsonValue.number(1)).push(JsonValue.object().set("x", JsonValue.null())))
      .set("", JsonValue.string("\n"));
    expect(print(value)).toBe("{\"list\":[1,{\"x\":null}],\"\":\"\\n\"}");
    expect(plain(value)).toEqual(JSON.parse(print(value)));
  });

  test("a repeated name keeps its place and takes the last value", () => {
    const value = JsonValue.object().set("a", JsonValue.number(1)).set("b", JsonValue.number(2)).set("a", JsonValue.number(3));
    expect(print(value)).toBe("{\"a\":3,\"b\":2}");
    expect(value.get("a")?.asNumber()).toBe(3);
    expect(print(parseText("{\"a\":{\"x\":1},\"b\":2,\"\\u0061\":[3]}"))).toBe("{\"a\":[3],\"b\":2}");
  });

  test("parts of another document are copied", () => {
    const parsed = parseText(" { \"a\" : [ 1.0 , { \"\\u0062\" : \"\\t\" } , [ ] ] , \"c\" : true , \"d\" : \"e\" } ");
    const value = JsonValue.array();
    for (const name of ["c", "a", "d"]) value.push(parsed.get(name) ?? JsonValue.null());
    value.push(parsed);
    expect(print(value)).toBe("[true,[1.0,{\"b\":\"\\t\"},[]],\"e\",{\"a\":[1.0,{\"b\":\"\\t\"},[]],\"c\":true,\"d\":\"e\"}]");
    expect(print(parsed.set("f", JsonValue.number(1)))).toEndWith(",\"d\":\"e\",\"f\":1}");
  });

  test("a value can be added to itself", () => {
    const list = JsonValue.array().push(JsonValue.number(1));
    expect(print(list.push(list).push(list))).toBe("[1,[1],[1,[1]]]");
    const object = JsonValue.object().set("a", JsonValue.number(1));
    expect(print(object.set("b", object))).toBe("{\"a\":1,\"b\":{\"a\":1}}");
  });

  test("many members and elements", () => {
    const object = JsonValue.object();
    const list = JsonValue.array();
    const wanted: Record<string, number> = {};
    for (let i = 0; i < 3000; i++) {
      object.set("key" + i, JsonValue.number(i));
      list.push(JsonValue.string("x".repeat(i % 100)));
      wanted["key" + i] = i;
    }
    expect(plain(object)).toEqual(wanted);
    expect(list.items().map((item) => item.asString()?.length)).toEqual(Array.from({ length: 3000 }, (_, i) => i % 100));
  });

  test("what cannot grow says so", () => {
    const one = JsonValue.number(1);
    expect(() => one.push(one)).toThrow(TypeError);
    expect(() => JsonValue.array().set("a", one)).toThrow(TypeError);
    expect(() => JsonValue.object().push(one)).toThrow(TypeError);
    expect(() => parseText("[[]]").items()[0]?.push(one)).toThrow("only a whole document grows");
  });

  test("depth is bounded", () => {
    let value = parseText("[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH));
    for (let i = 0; i < MAX_DEPTH; i++) value = JsonValue.array().push(value);
    expect(print(value)).toHaveLength(4 * MAX_DEPTH);
    expect(() => printJson(JsonValue.array().push(value))).toThrow(RangeError);
  });
});

describe("reading", () => {
  test("accessors answer undefined for another kind", () => {
    for (const json of ["null", "true", "1", "\"s\"", "[1]", "{\"a\":1}"]) {
      const value = parseText(json);
      const kind = value.kind;
      expect(value.isNull()).toBe(kind === JsonKind.null);
      expect(value.asBool()).toBe(kind === JsonKind.bool ? true : undefined);
      expect(value.asNumber()).toBe(kind === JsonKind.number ? 1 : undefined);
      expect(value.asString()).toBe(kind === JsonKind.string ? "s" : undefined);
      expect(value.text).toBe(kind === JsonKind.number ? "1" : "");
      expect(value.items()).toHaveLength(kind === JsonKind.array ? 1 : 0);
      expect(value.entries().size).toBe(kind === JsonKind.object ? 1 : 0);
      expect(value.get("a")?.asNumber()).toBe(kind === JsonKind.object ? 1 : undefined);
      expect(value.get("b")).toBeUndefined();
    }
  });

  test("get compares whole names, and only those of this object", () => {
    const value = parseText("{\"ab\":{\"b\":1,\"é\":2},\"b\":[{\"a\":3}],\"c\":\"a\",\"\":4}");
    expect(value.get("a")).toBeUndefined();
    expect(value.get("b")?.items()[0]?.get("a")?.asNumber()).toBe(3);
    expect(value.get("ab")?.get("é")?.asNumber()).toBe(2);
    expect(value.get("")?.asNumber()).toBe(4);
  });
});
