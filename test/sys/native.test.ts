// The C files of the native host that stand in for parts of libc, built for this machine with sanitizers where they fit.

import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const here = (name: string): string => join(import.meta.dir, name);
const sys = (name: string): string => join(import.meta.dir, "../../sys", name);

function build(compiler: string, name: string, ...args: string[]): string {
  const out = join(directory, name);
  const built = Bun.spawnSync([compiler, "-Wall", "-Wextra", "-g", "-O1", ...args, "-o", out]);
  expect(built.stderr.toString()).toBe("");
  expect(built.exitCode).toBe(0);
  return out;
}

function run(program: string): string {
  const ran = Bun.spawnSync([program]);
  expect(ran.stderr.toString()).toBe("");
  expect(ran.exitCode).toBe(0);
  return ran.stdout.toString();
}

test("blocks of the allocator cache never overlap, on glibc with sanitizers", () => {
  run(build("gcc", "heap-asan", "-fsanitize=address,undefined", "-fno-sanitize-recover", here("heap.c"), sys("cache.c")));
});

test("and on musl, whose allocator checks itself", () => {
  run(build("musl-gcc", "heap-musl", "-static", here("heap.c"), sys("cache.c")));
});

test("the small formatter prints as libc does", () => {
  const flags = ["-static", "-fno-builtin", "-Wno-format", "-Wno-format-truncation"];
  const small = run(build("musl-gcc", "format-small", ...flags, here("format.c"), sys("format.c")));
  const libc = run(build("musl-gcc", "format-libc", ...flags, here("format.c")));
  // printf itself goes the small way only where it has been replaced.
  expect(small).toBe(libc);
  expect(small).toContain("text|abc|x|%|-5|0|4000000000");
});

test("a conversion that it does not know ends the process", () => {
  const source = `#include <stdio.h>\nint main(void) { char out[8]; return snprintf(out, 8, "%f", 1.0); }`;
  const file = join(directory, "unknown.c");
  Bun.spawnSync(["sh", "-c", `cat >${file}`], { stdin: Buffer.from(source) });
  const ran = Bun.spawnSync([build("musl-gcc", "unknown", "-static", "-fno-builtin", file, sys("format.c"))]);
  expect(ran.signalCode).toBe("SIGABRT");
});
