// connectrpc.com's client for Go, as Wrenn's host has it, against the agent; envd-rpc.md 6.8. It needs Go, at least of the
// version that go.mod names, which fetches the client: `test/run.sh go`.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../envd/daemon.ts";
import { descriptorSet } from "../rpc/descriptors.ts";
import { remove, scratchDirectory } from "../scratch.ts";

setDefaultTimeout(600_000);

const names = [...readFileSync(join(import.meta.dir, "cases.go"), "utf8").matchAll(/^\t\{"(.*)", func\(/gm)].map(([, name = ""]) => name);

describe("E05: Wrenn's host, in Go", () => {
  const directory = scratchDirectory();
  afterAll(() => remove(directory));
  let results = new Map<string, string>();

  beforeAll(async () => {
    const program = join(directory, "calls");
    const build = Bun.spawnSync(["go", "build", "-o", program, "."], { cwd: import.meta.dir });
    if (build.exitCode !== 0) throw new Error(build.stderr.toString());
    writeFileSync(join(directory, "descriptors"), descriptorSet());
    await Daemon.with({}, async (daemon) => {
      const child = Bun.spawn([program, daemon.url, join(directory, "descriptors")], { stdout: "pipe", stderr: "inherit" });
      const lines = (await new Response(child.stdout).text()).trim().split("\n");
      results = new Map(lines.map((line) => JSON.parse(line) as [string, string]));
      expect(await child.exited).toBe(0);
    });
  });

  test.each(names)("%s", (name) => expect(results.get(name) ?? "the program did not come to it").toBe(""));
});
