// The SVG bar chart of resident memory.

import type { Footprint } from "./memory.ts";

const WIDTH = 760;
const LEFT = 246;
const RIGHT = 110;
const TOP = 84;
const STEP = 54;
const BAR = 24;

/** One bar per footprint at a linear scale from zero, anonymous memory dark, file-backed pages light. */
export function memoryChart(footprints: readonly Footprint[], machine: string): string {
  const widest = Math.max(1, ...footprints.map((one) => one.idle.rss));
  const scale = (WIDTH - LEFT - RIGHT) / widest;
  const height = TOP + footprints.length * STEP + 34;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `font-family="system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img" ` +
      `aria-label="Resident memory, idle">`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#ffffff" stroke="#d0d7de"/>`,
    text(24, 34, 17, "#1f2328", "Resident memory, idle", "600"),
    ...legend(),
  ];
  footprints.forEach((one, index) => {
    const y = TOP + index * STEP;
    const [dark, light] = one.host === "native" ? ["#0a7d4f", "#7fd1ae"] : ["#57606a", "#c3c9d0"];
    const anonymous = one.idle.anonymous * scale;
    const total = one.idle.rss * scale;
    lines.push(
      text(LEFT - 14, y + 11, 14, "#1f2328", one.label, one.host === "native" ? "700" : "500", "end"),
      text(LEFT - 14, y + 25, 9.5, "#59636e", one.note, "400", "end"),
      rectangle(LEFT, y, total, light),
      rectangle(LEFT, y, anonymous, dark),
      text(LEFT + total + 8, y + 17, 14, "#1f2328", amount(one.idle.rss), one.host === "native" ? "700" : "400"),
    );
  });
  lines.push(
    `<line x1="${LEFT}" y1="${TOP - 10}" x2="${LEFT}" y2="${height - 40}" stroke="#8c959f"/>`,
    text(24, height - 14, 10, "#59636e", `Rss of /proc/PID/smaps_rollup, one run, linear scale. ${machine}`),
    "</svg>",
  );
  return lines.join("\n") + "\n";
}

function legend(): string[] {
  return [
    swatch(24, "#0a7d4f", "#57606a"),
    text(56, 58, 12, "#59636e", "anonymous: its own"),
    swatch(190, "#7fd1ae", "#c3c9d0"),
    text(222, 58, 12, "#59636e", "file-backed: code and data of the program file"),
  ];
}

function swatch(x: number, left: string, right: string): string {
  return (
    `<rect x="${x}" y="48" width="12" height="12" fill="${left}"/>` +
    `<rect x="${x + 12}" y="48" width="12" height="12" fill="${right}"/>`
  );
}

function rectangle(x: number, y: number, width: number, fill: string): string {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(2)}" height="${BAR}" fill="${fill}"/>`;
}

function text(x: number, y: number, size: number, fill: string, content: string, weight = "400", anchor = "start"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return (
    `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" ` +
    `text-anchor="${anchor}">${escaped}</text>`
  );
}

function amount(kilobytes: number): string {
  return `${Math.round(kilobytes).toLocaleString("en-US")} kB`;
}
