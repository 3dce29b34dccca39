/** All cases, in the order of the specification's table. */
import { abuseCases } from "./abuse.ts";
import type { Case } from "./case.ts";
import { childCases } from "./child.ts";
import { getCases } from "./get.ts";
import { lossCases } from "./loss.ts";
import { pingCases } from "./ping.ts";
import { putCases } from "./put.ts";
import { runCases } from "./run.ts";
import { timeoutCases } from "./timeout.ts";

export function allCases(): Case[] {
  const cases: Case[] = [];
  pingCases(cases);
  runCases(cases);
  childCases(cases);
  timeoutCases(cases);
  lossCases(cases);
  putCases(cases);
  getCases(cases);
  abuseCases(cases);
  return cases;
}
