// Whether a union holds something, where that has been asked before.
//
// A union never changes: once a variable has been found to hold something, it does until it is assigned. The compiler asks
// again before each use; here the answer is given where every path comes by an earlier one.

import { type Flow, flowOf } from "./flow.ts";
import { assigned, type Func, functions, type Program } from "./program.ts";

/** `bool sc_t2 = sc_t1->tag == 1;`, sc_t1 being a variable's value, and the line that goes one way or the other by it. */
interface Question {
  at: number;
  of: string;
  tag: string;
  /** Whether the answer is true if the tag is the one asked for. */
  isEqual: boolean;
  branch: number | undefined;
  /** Whether the branch is taken if the answer is false. */
  isNegated: boolean;
}

export function answerOnce(program: Program): void {
  for (const func of functions(program)) answer(func);
}

function answer(func: Func): void {
  const { lines } = func;
  const flow = flowOf(func);
  if (flow === undefined) return;
  const questions = questionsOf(lines);
  const branches = new Map<number, Question>();
  for (const question of questions) if (question.branch !== undefined) branches.set(question.branch, question);
  for (const question of questions) {
    const isTag = known(lines, flow, question, branches);
    if (isTag === undefined) continue;
    const value = isTag === question.isEqual;
    lines[question.at] = (lines[question.at] ?? "").replace(/ = .*?;/, ` = ${value};`);
    if (question.branch === undefined) continue;
    branches.delete(question.branch);
    keep(lines, question.branch, value !== question.isNegated);
  }
}

function questionsOf(lines: string[]): Question[] {
  const assignments = new Map<string, number>();
  for (const line of lines.slice(1)) {
    const name = assigned(line);
    if (name !== undefined) assignments.set(name, (assignments.get(name) ?? 0) + 1);
  }
  const questions: Question[] = [];
  lines.forEach((line, at) => {
    const [, answer, union, operator, tag] = /^\s*bool (sc_t\d+) = (sc_[lt]_?\w+)->tag ([=!]=) (\d+);/.exec(line) ?? [];
    if (answer === undefined || union === undefined || tag === undefined || assignments.get(answer) !== 1) return;
    // Mostly a temporary with the variable's value comes right before.
    const source = new RegExp(`^\\s*ScrUnion \\*${union} = (?:scr_union_retain\\()?(sc_[lt]_?\\w+)\\)?;`).exec(lines[at - 1] ?? "")?.[1];
    let on = at + 1;
    while (/^\s*(?:\w+ \**sc_t\d+;|scr_union_release\(sc_t\d+\);)?(?: \/\*.*\*\/)?$/.test(lines[on] ?? "")) on++;
    const [, not, name] = /^\s*if \((!?)\(?(sc_t\d+)\)?\) /.exec(lines[on] ?? "") ?? [];
    const branch = name === answer ? on : undefined;
    questions.push({ at, of: source ?? union, tag, isEqual: operator === "==", branch, isNegated: not === "!" });
  });
  return questions;
}

/** Whether the variable has the tag that is asked for, if every path to the question says the same about it. */
function known(lines: string[], flow: Flow, question: Question, branches: Map<number, Question>): boolean | undefined {
  const found = new Set<boolean>();
  const seen = new Set<number>();
  const waiting = [question.at];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const before of flow.previous[at] ?? []) {
      const told = branches.get(before);
      const next = flow.next[before] ?? [];
      if (told !== undefined && told.of === question.of && told.tag === question.tag && next.length === 2 && next[0] !== next[1]) {
        // Where the condition holds: into the block, which comes first, or to where a jump goes, which comes second.
        const isHeld = (at === next[0]) === (lines[before] ?? "").endsWith("{");
        found.add((isHeld !== told.isNegated) === told.isEqual);
      } else if (before === 0 || assigned(lines[before] ?? "") === question.of) return undefined;
      else if (!seen.has(before)) {
        seen.add(before);
        waiting.push(before);
      }
    }
  }
  const [isTag] = found;
  return found.size === 1 ? isTag : undefined;
}

/** Leaves of an `if` with blocks only what is run. */
function keep(lines: string[], branch: number, isTaken: boolean): void {
  const indentation = /^\s*/.exec(lines[branch] ?? "")?.[0] ?? "";
  if (!(lines[branch] ?? "").endsWith("{")) return;
  const close = (from: number): number => lines.findIndex((line, at) => at > from && line.startsWith(`${indentation}}`));
  const end = close(branch);
  const other = lines[end] === `${indentation}} else {` ? end : lines[end + 1] === `${indentation}else {` ? end + 1 : undefined;
  const last = other === undefined ? end : close(other);
  const [from, to] = isTaken ? [end + 1, other === undefined ? end + 1 : last + 1] : [branch, (other ?? end) + 1];
  if (lines.slice(from, to).some((line) => /^\s*\w+:;/.test(line))) return;
  if (isTaken) {
    lines[branch] = `${indentation}{`;
    lines[end] = `${indentation}}`;
  }
  lines.fill("", from, to);
  if (!isTaken && other !== undefined) lines[other] = `${indentation}{`;
}
