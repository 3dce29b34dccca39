// The C files of the native host but for its door, built for this machine with sanitizers where they fit.

import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];

const here = (name: string): string => join(import.meta.dir, name);
const sys = (name: string): string => join(import.meta.dir, "../../sys", name);

function build(compiler: string, name: string, ...args: string[]): string {
  const out = join(directory, name);
  const built = Bun.spawnSync([compiler, "-Wall", "-Wextra", "-g", "-O1", ...args, "-o", out]);
  expect(built.stderr.toString()).toBe("");
  expect(built.exitCode).toBe(0);
  return out;
}

function run(program: string, input = ""): string {
  const ran = Bun.spawnSync([program], { stdin: Buffer.from(input) });
  expect(ran.stderr.toString()).toBe("");
  expect(ran.exitCode).toBe(0);
  return ran.stdout.toString();
}

test("blocks of the allocator cache never overlap, on glibc with sanitizers", () => {
  run(build("gcc", "heap-asan", ...SANITIZERS, here("heap.c"), sys("cache.c")));
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

test("SHA-256 and SHA-512 are those of OpenSSL, whatever the length", () => {
  const lengths = [...Array(300).keys(), 4096, 100_003];
  const cases = [256, 512].flatMap((bits) => lengths.map((length) => ({ bits, length })));
  const expected = cases.map(({ bits, length }) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length);
    return createHash(`sha${bits}`).update(bytes).digest("hex");
  });
  const program = build("gcc", "sha2", ...SANITIZERS, here("sha2.c"), sys("sha2.c"));
  const input = cases.map(({ bits, length }) => `${bits} ${length}\n`).join("");
  expect(run(program, input).trim().split("\n")).toEqual(expected);
});

test("gzip streams keep within their buffers and their memory, whatever they are fed", () => {
  const zlib = join(import.meta.dir, "../../node_modules/@scriptc/runtime/vendor/zlib");
  const sources = ["deflate", "inffast", "inflate", "inftrees", "trees", "zutil"].map((name) => join(zlib, `${name}.c`));
  const flags = [...SANITIZERS, "-Wno-unused-parameter", "-Wno-implicit-fallthrough", `-I${zlib}`];
  run(build("gcc", "deflate", ...flags, here("deflate.c"), sys("deflate.c"), ...sources));
}, 60_000);
test("decimal literals become the doubles that libc makes of them, with sanitizers", () => {
  run(build("gcc", "number", "-fsanitize=address,undefined", "-fno-sanitize-recover", here("number.c"), "-lm"));
});

test("what goes to a stream is written as it is", () => {
  const ran = Bun.spawnSync([build("musl-gcc", "print", "-static", "-fno-builtin", here("print.c"), sys("print.c"), sys("format.c"))]);
  expect(ran.stdout.toString()).toBe("out: 1\nparts\0");
  expect(ran.stderr.toString()).toBe("text 2!\n");
  expect(ran.exitCode).toBe(0);
});
