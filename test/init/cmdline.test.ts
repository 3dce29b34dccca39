import { expect, test } from "bun:test";
import fc from "fast-check";
import { CommandLine } from "../../init/cmdline.ts";

/** The parameters as pairs. */
function pairs(text: string): (string | undefined)[][] {
  return CommandLine.parse(text).parameters.map((parameter) => [parameter.name, parameter.value]);
}

test.each([
  ["", []],
  [" \t\n", []],
  ["quiet\n", [["quiet", undefined]]],
  ["a=1  b=2\tc", [["a", "1"], ["b", "2"], ["c", undefined]]],
  ["a=", [["a", ""]]],
  ["=a", [["=a", undefined]]],
  ["a=b=c", [["a", "b=c"]]],
  ['mote.exec="a b"', [["mote.exec", "a b"]]],
  ['"mote.exec=a b" x', [["mote.exec", "a b"], ["x", undefined]]],
  ['mote.exec="a \t b" c', [["mote.exec", "a \t b"], ["c", undefined]]],
  ['a=x"y z"', [["a", 'x"y z"']]],
  ['a="never closed', [["a", "never closed"]]],
  ['a=""', [["a", ""]]],
  ['"', [["", undefined]]],
  ["a -- b=c", [["a", undefined]]],
  ["a --b c--", [["a", undefined], ["--b", undefined], ["c--", undefined]]],
  ['a "--" b', [["a", undefined], ["--", undefined], ["b", undefined]]],
])("%j", (text, expected) => {
  expect(pairs(text)).toEqual(expected);
});

test("the last occurrence wins, all are there in order", () => {
  const line = CommandLine.parse("ip=a mote.exec=1 ip mote.exec=2 ip=b");
  expect(line.get("ip")).toBe("b");
  expect(line.get("nothing")).toBeUndefined();
});

test("a word is there when it stands alone", () => {
  const line = CommandLine.parse("ro quiet=1 debug");
  expect([line.has("ro"), line.has("quiet"), line.has("debug"), line.has("r")]).toEqual([true, false, true, false]);
});

const name = fc.stringMatching(/^[a-z_.-]{1,8}$/).filter((text) => text !== "--");
const value = fc.string().filter((text) => !text.includes('"'));

test("what is written with quotes is read as it was", () => {
  const parameters = fc.array(fc.tuple(name, fc.option(value, { nil: undefined })));
  const style = fc.constantFrom("value", "word");
  fc.assert(fc.property(parameters, style, (written, quoted) => {
    const words = written.map(([left, right]) => {
      if (right === undefined) return left;
      return quoted === "value" ? `${left}="${right}"` : `"${left}=${right}"`;
    });
    expect(pairs(words.join(" "))).toEqual(written);
  }));
});

test("no text is an error", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', " ", "=", "a", "-", "\n", "é") }), (text) => {
    for (const parameter of CommandLine.parse(text).parameters) expect(parameter.name).toBeString();
  }));
});

test("this machine's own is read", () => {
  const words = CommandLine.read().parameters.length;
  expect(words).toBeGreaterThan(0);
});
