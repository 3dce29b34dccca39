// A pass over the C that the compiler writes, at build time: the same program with less machine code. The compiler emits
// one simple statement a line, so that a few general rules about lines and the paths between them go a long way; each
// rule, and why it is safe, is in a file of its own in slim/. usage: bun slim.ts FROM TO

import { readFileSync, writeFileSync } from "node:fs";
import { borrowParameters } from "./slim/borrow.ts";
import { releaseInCall } from "./slim/calls.ts";
import { constants, initializeOnce, literals } from "./slim/modules.ts";
import { parse, print } from "./slim/program.ts";
import { dropIdleReferences } from "./slim/references.ts";
import { releaseBeforeCheck } from "./slim/releases.ts";
import { shorten } from "./slim/shapes.ts";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: slim.ts FROM TO");
const program = parse(readFileSync(from, "utf8"));
literals(program);
initializeOnce(program);
constants(program);
borrowParameters(program);
dropIdleReferences(program);
releaseBeforeCheck(program);
shorten(program);
releaseInCall(program);
writeFileSync(to, print(program));
