// The passes, in the order in which each makes room for the next.

import { borrowParameters } from "./borrow.ts";
import { releaseInCall } from "./calls.ts";
import { shareClasses } from "./classes.ts";
import { shareExits } from "./exits.ts";
import { answerOnce } from "./known.ts";
import { makeLazily } from "./lazy.ts";
import { constants, initializeOnce, literals, trustInitializations } from "./modules.ts";
import { narrowInPlace } from "./narrow.ts";
import { parse, print } from "./program.ts";
import { dropIdleChecks } from "./quiet.ts";
import { dropIdleReferences } from "./references.ts";
import { releaseBeforeCheck } from "./releases.ts";
import { retype } from "./retype.ts";
import { shorten } from "./shapes.ts";
import { askForResults, missing, returnNothing, throwAlways } from "./throws.ts";
import { unboxArguments } from "./unbox.ts";

/** The text of a program as the compiler has written it, with less in it. */
export function slim(text: string): string {
  const program = parse(text);
  literals(program);
  initializeOnce(program);
  constants(program);
  missing(program);
  throwAlways(program);
  returnNothing(program);
  unboxArguments(program);
  narrowInPlace(program);
  answerOnce(program);
  dropIdleChecks(program);
  borrowParameters(program);
  dropIdleReferences(program);
  releaseBeforeCheck(program);
  shorten(program);
  shareClasses(program);
  retype(program);
  releaseInCall(program);
  makeLazily(program);
  trustInitializations(program);
  askForResults(program);
  shareExits(program);
  return print(program);
}
