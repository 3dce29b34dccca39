// What is natively not as on Bun: strings, numbers, the C of memmem. `./build.sh both-hosts` builds the native program.

import { expect, test } from "bun:test";
import { join } from "node:path";

const here = (name: string): string => join(import.meta.dir, name);

function output(...command: string[]): string[] {
  const ran = Bun.spawnSync([...command, "3000", "7"], { maxBuffer: 1 << 28 });
  expect(ran.stderr.toString()).toBe("");
  expect(ran.exitCode).toBe(0);
  return ran.stdout.toString().split("\n");
}

test("both hosts make the same of the same inputs", () => {
  const bun = output(process.execPath, here("both-hosts.ts"));
  const native = output(here("../../build/x86_64/both-hosts"));
  expect(bun.length).toBe(9001);
  for (const [index, line] of bun.entries()) expect([index, native.at(index)]).toEqual([index, line]);
});
