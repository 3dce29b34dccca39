// What the two hosts of sys/ do differently, each asked from outside: probe.ts on Bun and compiled.

import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { noise, remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const hosts: [string, string[]][] = [
  ["bun", [process.execPath, join(import.meta.dir, "probe.ts")]],
  ["native", [join(import.meta.dir, "../../build/x86_64/probe")]],
];

function file(name: string, content: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe.each(hosts)("on %s", (_, command) => {
  function probe(...words: string[]): string {
    const ran = Bun.spawnSync([...command, ...words]);
    expect(ran.stderr.toString()).toBe("");
    return ran.stdout.toString();
  }

  test.each([0, 1, 111, 112, 100_000])("digests of %d bytes", (length) => {
    const bytes = noise(length);
    const expected = ["sha256", "sha512"].map((name) => `${createHash(name).update(bytes).digest("hex")}\n`);
    expect(probe("digest", file("digested", bytes))).toBe(expected.join(""));
  });
});
