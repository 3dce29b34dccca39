// bench/results.md: parts written by one benchmark each, so that none loses what another has measured.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";

/** The machine in words: what the numbers depend on. */
export function machine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch;
  const cores = availableParallelism();
  return `${model}, ${cores} ${cores === 1 ? "core" : "cores"}, Linux ${release()}, Bun ${Bun.version}`;
}

/**
 * Writes a part: its paragraphs under `# TITLE`, in the place of the part of that title, or at the end where none is.
 * What is before and behind it stays.
 */
export async function writePart(path: string, title: string, paragraphs: readonly string[]): Promise<void> {
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const parts = before.split(/^(?=# )/m).filter((part) => part !== "");
  const written = `# ${title}\n\n${paragraphs.map((text) => text.trim()).join("\n\n")}\n`;
  const place = parts.findIndex((part) => part.startsWith(`# ${title}\n`));
  if (place < 0) parts.push(written);
  else parts[place] = written;
  await Bun.write(path, parts.map((part) => part.trim()).join("\n\n") + "\n");
}
