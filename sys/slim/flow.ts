// Where control goes from each line of a function.

import { type Func, statement } from "./program.ts";

/** For each line the lines that may run next, and the lines that it may run after. The last line is where it ends. */
export interface Flow { next: number[][]; previous: number[][] }

/** The flow of a function, or undefined if it has a statement of a kind that is not known here. */
export function flowOf(func: Func): Flow | undefined {
  const lines = func.lines.map(statement);
  const last = lines.length - 1;
  const closing = new Map<number, number>();
  const labels = new Map<string, number>();
  const open: number[] = [];
  for (let at = 1; at < last; at++) {
    const line = lines[at] ?? "";
    const label = /^(\w+):;$/.exec(line)?.[1];
    if (label !== undefined) labels.set(label, at);
    if (line.startsWith("}")) {
      const from = open.pop();
      if (from === undefined) return undefined;
      closing.set(from, at);
    }
    if (line.endsWith("{")) open.push(at);
  }
  if (open.length > 0) return undefined;

  const next: number[][] = lines.map(() => []);
  const loops: number[] = [];
  const opened: number[] = [];
  /** Where control goes when the block that closes at a line is left in order. */
  const after = (close: number): number => {
    const line = lines[close] ?? "";
    if (line === "} else {") return closing.get(close) ?? last;
    return lines[close + 1] === "else {" ? (closing.get(close + 1) ?? last) : close + 1;
  };
  /** Where control goes when the condition of a line does not hold. */
  const otherwise = (at: number): number => {
    const close = closing.get(at) ?? last;
    if (lines[close] === "} else {") return close + 1;
    return lines[close + 1] === "else {" ? close + 2 : close;
  };
  const jump = (line: string): number | undefined => {
    const loop = loops.at(-1);
    const target = /^goto (\w+);$/.exec(line)?.[1];
    if (target !== undefined) return labels.get(target);
    if (/^return\b.*;$/.test(line)) return last;
    if (line === "break;") return loop === undefined ? undefined : (closing.get(loop) ?? last) + 1;
    if (line === "continue;") return loop;
    return undefined;
  };

  next[0] = [1];
  for (let at = 1; at < last; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("}")) {
      const from = opened.pop();
      if (from === undefined) return undefined;
      if (from === loops.at(-1)) {
        loops.pop();
        next[at] = [from];
      } else next[at] = [after(at)];
      if (line === "} else {") opened.push(at);
      else if (line !== "}") return undefined;
      continue;
    }
    const conditional = /^if \(.*\) ((?:goto|break|continue|return)\b[^{}]*;)$/.exec(line)?.[1];
    if (line === "for (;;) {") {
      loops.push(at);
      opened.push(at);
      next[at] = [at + 1];
    } else if (/^if \(.*\) \{$/.test(line)) {
      opened.push(at);
      next[at] = line === "if (true) {" ? [at + 1] : [at + 1, otherwise(at)];
    } else if (line === "{" || line === "else {") {
      opened.push(at);
      next[at] = [at + 1];
    } else if (conditional !== undefined || /^(goto|break|continue|return)\b/.test(line)) {
      const target = jump(conditional ?? line);
      if (target === undefined) return undefined;
      next[at] = conditional === undefined ? [target] : [at + 1, target];
    } else if (line === "" || (line.endsWith(";") && !/^(if|for|while|do|switch|case|default|else)\b/.test(line))) {
      next[at] = [at + 1];
    } else return undefined;
  }

  const previous: number[][] = lines.map(() => []);
  next.forEach((targets, at) => {
    for (const target of targets) previous[target]?.push(at);
  });
  return { next, previous };
}

/**
 * Follows every path from the lines after `start`, stopping where `visit` says "stop". False as soon as it says "fail".
 * Each line is visited once.
 */
export function follow(links: number[][], start: number, visit: (line: number) => "on" | "stop" | "fail"): boolean {
  const seen = new Set<number>();
  const waiting = [...(links[start] ?? [])];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const verdict = visit(at);
    if (verdict === "fail") return false;
    if (verdict === "on") waiting.push(...(links[at] ?? []));
  }
  return true;
}
