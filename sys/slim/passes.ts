// The passes, in the order in which each makes room for the next.

import { borrowParameters } from "./borrow.ts";
import { releaseInCall } from "./calls.ts";
import { constants, initializeOnce, literals } from "./modules.ts";
import { parse, print } from "./program.ts";
import { dropIdleReferences } from "./references.ts";
import { releaseBeforeCheck } from "./releases.ts";
import { shorten } from "./shapes.ts";
import { throwAlways } from "./throws.ts";

/** The text of a program as the compiler has written it, with less in it. */
export function slim(text: string): string {
  const program = parse(text);
  literals(program);
  initializeOnce(program);
  constants(program);
  throwAlways(program);
  borrowParameters(program);
  dropIdleReferences(program);
  releaseBeforeCheck(program);
  shorten(program);
  releaseInCall(program);
  return print(program);
}
