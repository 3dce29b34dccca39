// The part of the FFI manifest that a program uses, at build time: the compiler wants every function of a manifest to be
// declared by the program. usage: bun manifest.ts ENTRY MANIFEST

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Manifest {
  ffi_format: number;
  functions: { name: string }[];
}

interface Package {
  imports: Record<string, { default: string }>;
}

const conditions = (JSON.parse(readFileSync("package.json", "utf8")) as Package).imports;

/** Every module that a module brings with it, itself among them, by path. */
function reach(path: string, found: Map<string, string>): Map<string, string> {
  if (found.has(path)) return found;
  const text = readFileSync(path, "utf8");
  found.set(path, text);
  for (const [, name = ""] of text.matchAll(/^(?:import|export|\}) .*from "([.#][^"]+)";$/gm)) {
    reach(name.startsWith("#") ? join(conditions[name]?.default ?? name) : join(dirname(path), name), found);
  }
  return found;
}

const [entry, manifestPath] = process.argv.slice(2);
if (entry === undefined || manifestPath === undefined) throw new Error("usage: manifest.ts ENTRY MANIFEST");
const program = [...reach(join(entry), new Map()).values()].join("\n");
const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as Manifest;
const functions = manifest.functions.filter(({ name }) => program.includes(`declare function ${name}(`));
console.log(JSON.stringify({ ...manifest, functions }));
