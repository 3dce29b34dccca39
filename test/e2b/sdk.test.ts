// E2B's own SDK, unmodified, against the agent.

import { beforeAll, describe, expect, test } from "bun:test";
import { Daemon } from "../envd/daemon.ts";
import { namesOf, type Results, runSdk } from "./sdk.ts";

/** Milliseconds after which a suite counts as hung; not a measure of speed. */
const hangLimit = 600_000;

describe.each([
  ["Bun, with a token", "bun", "secured"],
  ["Node.js, with a token", "node", "secured"],
  ["Node.js, without a token", "node", "open"],
] as const)("%s", (_, runtime, suite) => {
  let results: Results = new Map();
  beforeAll(
    () =>
      Daemon.with({}, async (daemon) => {
        results = await runSdk(runtime, daemon.url, suite);
      }),
    hangLimit,
  );

  test.each(namesOf(suite))("%s", (name) => {
    expect(results.get(name) ?? "the program did not come to it").toBe("");
  });
});
