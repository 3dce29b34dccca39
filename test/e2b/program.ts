// Runs cases of E2B's SDK in the runtime that runs this program, one after the other.
// usage: program.ts URL SUITE [TOKEN]; where there is a TOKEN, the agent at URL must not have another one.
// A line for each case: its name, how many milliseconds it took, and the reason of its failure, as a JSON array.

import { type Suite, suites } from "./all.ts";
import { Agent } from "./agent.ts";
import type { Case, Place } from "./case.ts";

/** Milliseconds after which a case counts as hung; not a measure of speed. */
const hangLimit = 120_000;

async function withLimit(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${hangLimit} ms`)), hangLimit);
  });
  try {
    await Promise.race([work, hung]);
  } finally {
    clearTimeout(timer);
  }
}

async function run(item: Case, place: Place): Promise<void> {
  const start = performance.now();
  let reason = "";
  try {
    await place.sandbox.files.makeDir(place.directory);
    await withLimit(item.body(place));
    await place.sandbox.files.remove(place.directory);
  } catch (error) {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  console.log(JSON.stringify([item.name, Math.round(performance.now() - start), reason]));
}

const [url = "", suite = "", token] = process.argv.slice(2);
const agent = await Agent.at(url, token);
const sandbox = await agent.create({ envs: { SANDBOX_WIDE: "wide", OVER: "theirs" } });
let count = 0;
for (const item of suites[suite as Suite]) await run(item, { sandbox, agent, directory: `/home/user/case${++count}` });
process.exit(0);
