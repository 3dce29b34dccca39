// A pass over the C that the compiler writes, at build time: the same program with less machine code. The compiler emits
// one simple statement a line, so that a few general rules about lines and the paths between them go a long way; each
// rule, and why it is safe, is in a file of its own in slim/. usage: bun slim.ts FROM TO

import { readFileSync, writeFileSync } from "node:fs";
import { slim } from "./slim/passes.ts";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: slim.ts FROM TO");
writeFileSync(to, slim(readFileSync(from, "utf8")));
