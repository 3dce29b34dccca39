import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { commandLine, shellWord } from "../../ctl/shell.ts";
import { bytesText, clockText, decimal } from "../../ctl/units.ts";

describe("shell words", () => {
  test("a plain one stays as it is", () => {
    expect(shellWord("/usr/bin/a-b_c.d:e,f+g@h%i")).toBe("/usr/bin/a-b_c.d:e,f+g@h%i");
  });

  test("others are quoted", () => {
    expect(shellWord("")).toBe("''");
    expect(shellWord("a b")).toBe("'a b'");
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(commandLine(["A=1", "~"])).toBe("'A=1' '~'");
  });

  test("a single word is a script", () => {
    expect(commandLine(["a; b"])).toBe("a; b");
  });

  test("the shell gets back what was quoted", () => {
    const word = fc.string({ unit: "binary", maxLength: 20 }).map((text) => text.replaceAll("\0", "").toWellFormed());
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const { stdout } = Bun.spawnSync(["sh", "-c", commandLine(["printf", "%s\\0", ...words])]);
        expect(stdout.toString()).toBe(words.map((text) => `${text}\0`).join(""));
      }),
      { numRuns: 200 },
    );
  });
});

describe("units", () => {
  test.each([
    [0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [1049, "1.0 kB"], [1050, "1.1 kB"], [999_949, "999.9 kB"],
    [999_950, "1.0 MB"], [1_500_000, "1.5 MB"], [123_456_789_012, "123.5 GB"], [9_007_199_254_740_991, "9007.2 TB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  test.each([[0, "0:00"], [59.4, "0:59"], [59.5, "1:00"], [3599, "59:59"], [3600, "1:00:00"], [36_061, "10:01:01"]])(
    "%d s are %s",
    (seconds, text) => {
      expect(clockText(seconds)).toBe(text);
    },
  );

  test.each([[0, 2, "0.00"], [0.005, 2, "0.01"], [0.094, 2, "0.09"], [12.345, 1, "12.3"], [7.5, 0, "8"]])(
    "%d with %d decimals is %s",
    (value, places, text) => {
      expect(decimal(value, places)).toBe(text);
    },
  );
});
