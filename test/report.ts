// The last page of test/run.sh: a table of results per host, each failure by name, and the totals.
// Argument: a directory of results, where each step has left GROUP@HOST.status (its exit code) and,
// where it was a test run, GROUP@HOST.xml (JUnit). HOST is - for what runs once.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

interface Cell {
  passed: number;
  failed: number;
}

const columns = ["-", "bun", "x86_64", "aarch64"] as const;
const rows = new Map<string, Map<string, Cell>>();
const failures: string[] = [];

function cell(row: string, column: string): Cell {
  const cells = rows.get(row) ?? new Map<string, Cell>();
  rows.set(row, cells);
  const found = cells.get(column) ?? { passed: 0, failed: 0 };
  cells.set(column, found);
  return found;
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&", "&#10;": " " };
  return value.replace(/&[#\w]+;/g, (entity) => entities[entity] ?? entity);
}

/** Counts the test cases of one JUnit file; a skipped one has shown nothing and counts as failed. */
function countCases(xml: string, host: string): number {
  let failed = 0;
  for (const match of xml.matchAll(/(<testcase\b[^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const tag = match[1] ?? "";
    const file = attribute(tag, "file");
    const counted = cell(file.replace(/^test\//, "").replace(/\.test\.ts$/, ""), host);
    if (/<(failure|error|skipped)\b/.test(match[3] ?? "")) {
      counted.failed++;
      failed++;
      const path = [...attribute(tag, "classname").split(" > ").reverse(), attribute(tag, "name")];
      failures.push(`${hostName(host)}${file}: ${path.filter((part) => part !== "").join(" > ")}`);
    } else {
      counted.passed++;
    }
  }
  return failed;
}

function hostName(host: string): string {
  return host === "-" ? "" : `${host} `;
}

/** Adds a step's cases; a step that broke without saying which of its cases did is itself a failure. */
function addStep(directory: string, name: string): void {
  const [group = "", host = "-"] = name.split("@");
  const status = readFileSync(join(directory, `${name}.status`), "utf8").trim();
  const report = join(directory, `${name}.xml`);
  const isTestRun = existsSync(report);
  const failed = isTestRun ? countCases(readFileSync(report, "utf8"), host) : 0;
  if (status !== "0" && failed === 0) {
    cell(group, host).failed++;
    failures.push(`${hostName(host)}${group}: broke off with exit code ${status}`);
  } else if (status === "0" && !isTestRun) {
    cell(group, host).passed++;
  }
}

function printTable(): void {
  const names = [...rows.keys()].sort();
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const text = ({ passed, failed }: Cell): string => (failed === 0 ? `${passed}` : `${passed}, ${failed} failed`);
  const line = (head: string, cells: string[]): string => (head.padEnd(width) + cells.map((value) => value.padEnd(18)).join("")).trimEnd();
  console.log(line("passed", columns.map((column) => (column === "-" ? "once" : column))));
  for (const name of names) {
    const cells = rows.get(name);
    console.log(line(name, columns.map((column) => {
      const value = cells?.get(column);
      return value === undefined ? "" : text(value);
    })));
  }
}

const directory = process.argv[2] ?? ".";
const steps = readdirSync(directory).filter((name) => name.endsWith(".status")).map((name) => basename(name, ".status"));
if (steps.length === 0) failures.push("no step has run at all");
for (const step of steps.sort()) addStep(directory, step);

let passed = 0;
for (const cells of rows.values()) for (const value of cells.values()) passed += value.passed;

console.log("");
if (rows.size > 0) printTable();
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 && passed > 0 ? 0 : 1);
