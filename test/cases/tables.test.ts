// The tables of test/README.md and the tests: no case without a test, no test of a case that the tables do not know, and
// the tests are where the tables say.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { numbersIn, numbersOf, specified } from "./specification.ts";

const root = join(import.meta.dir, "..");

/** Test files, and what tests are written in beside them. */
const files = [...new Bun.Glob("**/*.ts").scanSync(root)].filter((file) => !file.startsWith("cases/")).sort();

/** What is between quotation marks in a program, comments left out. */
function literals(program: string): string[] {
  const code = program.split("\n").filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join("\n");
  return [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map((match) => match[1] ?? match[2] ?? "");
}

const texts = new Map(files.map((file) => [file, literals(readFileSync(join(root, file), "utf8"))]));
/** The numbers that names in a file begin with. */
const named = new Map([...texts].map(([file, all]) => [file, new Set(all.flatMap(numbersOf))]));

interface Row {
  readonly numbers: readonly string[];
  readonly text: string;
}

/** The rows of tables whose first cell has numbers of cases. */
function rowsOf(path: string): Row[] {
  const lines = readFileSync(join(root, path), "utf8").split("\n").filter((line) => line.startsWith("| "));
  return lines.map((line) => ({ numbers: numbersIn(line.split(" | ")[0] ?? ""), text: line.slice(line.indexOf(" | ", 1)) }));
}

const rows = [...rowsOf("README.md"), ...rowsOf("guest/README.md")].filter(({ numbers }) => numbers.length > 0);

/** The directories of tests, which tables leave out where a section is about one. */
const directories = ["", "conformance", "envd", "rpc", "e2b", "namespaces", "guest", "guest/whole", "images"];

/** The files that a word means: `envd/ports`, `../slow/envd`, or `boot` alone, which may be in several directories. */
function filesOf(word: string): string[] {
  return directories.flatMap((directory) => {
    const path = join(directory, word.replace(/^\.\.\//, ""));
    return [`${path}.test.ts`, `${path}.ts`].filter((file) => named.has(file));
  });
}

function wordsIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

const filesIn = (text: string): string[] => wordsIn(text).flatMap(filesOf);

const all = specified();
const inTests = new Set([...named.values()].flatMap((numbers) => [...numbers]));

test("every case has a row in the tables", () => {
  const known = new Set(rows.flatMap(({ numbers }) => numbers));
  expect([...all].filter((number) => !known.has(number))).toEqual([]);
});

test("every case is in the name of a test", () => {
  expect([...all].filter((number) => !inTests.has(number))).toEqual([]);
});

test("the tables, and names of tests, have no other numbers", () => {
  for (const path of ["README.md", "guest/README.md"]) {
    expect(numbersIn(readFileSync(join(root, path), "utf8")).filter((number) => !all.has(number))).toEqual([]);
  }
  expect([...inTests].filter((number) => !all.has(number))).toEqual([]);
});

test("a row names a file in which its cases are", () => {
  const missing = rows.flatMap(({ numbers, text }) => {
    const there = new Set(filesIn(text).flatMap((file) => [...(named.get(file) ?? [])]));
    return numbers.filter((number) => !there.has(number)).map((number) => `${number}${text}`);
  });
  expect(missing).toEqual([]);
});

test("a file whose tests have cases' numbers is named by a row of each", () => {
  const missing = [...named].flatMap(([file, numbers]) =>
    [...numbers].filter((number) => !rows.some((row) => row.numbers.includes(number) && filesIn(row.text).includes(file)))
      .map((number) => `${file}: ${number}`));
  expect(missing).toEqual([]);
});

/** The rows of a section, without the head of its table. */
function section(title: string): string[] {
  const text = readFileSync(join(root, "README.md"), "utf8").split(`## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
  return text.split("\n").filter((line) => line.startsWith("| ")).slice(2);
}

test("each of the 42 gaps has a row that names tests, which are there", () => {
  const gaps = section("Gaps of Wrenn's envd that are closed");
  expect(gaps.length).toBe(42);
  const missing = gaps.flatMap((line) => {
    const text = line.slice(line.indexOf(" | "));
    let where: string[] = [];
    let isNamed = false;
    const lost: string[] = [];
    for (const word of wordsIn(text)) {
      const found = filesOf(word);
      // Several files in a row have the tests that follow in common.
      if (found.length > 0) where = isNamed ? found : [...where, ...found];
      isNamed = found.length === 0;
      const name = word.replace(/ ?\*$/, "");
      if (!isNamed || (name === word && !word.includes(" ")) || where.some((file) => texts.get(file)?.some((other) => other.startsWith(name)))) continue;
      lost.push(`${line}: ${word}`);
    }
    return where.length === 0 ? [line] : lost;
  });
  expect(missing).toEqual([]);
});

describe("what is taken for a number", () => {
  test("several, and one to another", () => {
    expect(numbersOf("SRV-01, L170 to L172: x, C01")).toEqual(["SRV-01", "L170", "L171", "L172"]);
    expect(numbersOf("INI-32: y")).toEqual(["INI-32"]);
  });

  test.each(["x L170: y", "S0: x", "E2B: x", "SHA-25", "L1700: x", "C01x"])("nothing in %j", (name) => expect(numbersOf(name)).toEqual([]));

  test("the cases of the specifications are so many", () => expect(all.size).toBe(159 + 285 + 247));
});

test("files that the README names are there", () => {
  const words = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/`((?:conformance|envd|rpc|namespaces|images|guest|sys|init|http|connect)\/[a-z0-9-]+)`/g)];
  expect(words.map(([, word = ""]) => word).filter((word) => ![".test.ts", ".ts"].some((end) => existsSync(join(root, `${word}${end}`))))).toEqual([]);
});
