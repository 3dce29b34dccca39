// Markdown tables of what was measured, each ratio beside its target.

import { type Footprint, STREAMS } from "./memory.ts";
import type { Row, Target } from "./rounds.ts";
import type { Host } from "./server.ts";

/** The middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? NaN;
  return (lower + upper) / 2;
}

/** Whether a value meets its target, in a word. */
export function verdict(value: number, target: Target): string {
  const met = value <= (target.most ?? Infinity) && value >= (target.least ?? -Infinity);
  return met ? "met" : "MISSED";
}

/** One line per figure: the medians, and the per-round ratios to the floor as median (lowest..highest). */
export function ratioTable(rows: readonly Row[], hosts: readonly Host[]): string {
  const agents = hosts.filter((host) => host !== "floor");
  const head = ["", "unit", ...hosts, ...agents.map((host) => `${host} / floor`), "target", "native"];
  const body = rows.map(({ figure, values }) => {
    const floor = values.get("floor") ?? [];
    const ratios = (host: Host): number[] => (values.get(host) ?? []).map((value, i) => value / (floor[i] ?? NaN));
    const digits = figure.unit === "us" ? 1 : 0;
    const { target } = figure;
    return [
      figure.row,
      figure.unit,
      ...hosts.map((host) => numeral(median(values.get(host) ?? []), digits)),
      ...agents.map((host) => spread(ratios(host), 2)),
      target === null ? "" : target.most === undefined ? `>= ${target.least}` : `<= ${target.most}`,
      target === null || !agents.includes("native") ? "" : verdict(median(ratios("native")), target),
    ];
  });
  return table([head, ...body]);
}

/** Nothing was measured where the value is NaN: the host failed. */
function numeral(value: number, digits: number): string {
  return Number.isNaN(value) ? "failed" : value.toFixed(digits);
}

/** Median (lowest..highest); nothing for no values. */
export function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return "";
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}..${Math.max(...values).toFixed(digits)})`;
}

const IDLE_RSS: Target = { most: 384 };
const GROWTH: Target = { most: 64 };
const SIZE: Target = { most: 640 };
const BUSY_RSS: Target = { most: 8192 };
const BUSY_PING: Target = { most: 50 };

/** One line per program, and under them the native binary's figures beside their targets. */
export function memoryTable(footprints: readonly Footprint[], sizes: ReadonlyMap<string, number>): string {
  const body = footprints.map((one) => [
    one.label,
    one.note,
    kilobytes(one.idle.rss),
    kilobytes(one.idle.anonymous),
    one.loaded === null ? "" : kilobytes(one.loaded.rss),
    one.loaded === null ? "" : kilobytes(one.loaded.anonymous),
    kilobytes(sizes.get(one.host)),
  ]);
  const head = ["program", "", "idle RSS", "anonymous", "RSS after load", "anonymous", "program file"];
  const native = footprints.find((one) => one.host === "native");
  const tables = [table([head, ...body])];
  if (native !== undefined) {
    const checks: [string, number, string, Target][] = [
      ["idle RSS", native.idle.rss, "kB", IDLE_RSS],
      ["RSS growth after load", (native.loaded?.rss ?? NaN) - native.idle.rss, "kB", GROWTH],
      ["binary size", sizes.get("native") ?? NaN, "kB", SIZE],
      [`RSS, ${STREAMS} endless outputs read slowly`, native.busy?.memory.rss ?? NaN, "kB", BUSY_RSS],
      ["ping meanwhile, median", native.busy?.pingMilliseconds ?? NaN, "ms", BUSY_PING],
    ];
    const lines = checks.map(([what, value, unit, target]) => [
      what,
      unit === "ms" ? value.toFixed(2) : kilobytes(value),
      unit,
      `<= ${target.most}`,
      verdict(value, target),
    ]);
    tables.push(table([["native binary", "", "unit", "target", ""], ...lines]));
  }
  return tables.join("\n");
}

function kilobytes(value: number | undefined): string {
  return value === undefined ? "" : Math.round(value).toLocaleString("en-US");
}

/** A Markdown table that also reads well as plain text. The first line is the head. */
export function table(lines: readonly string[][]): string {
  const head = lines[0] ?? [];
  const widths = head.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? "").length)));
  const format = (line: readonly string[]): string =>
    `| ${widths.map((width, column) => (line[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [format(head), rule, ...lines.slice(1).map(format)].join("\n") + "\n";
}
