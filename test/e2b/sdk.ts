// E2B's SDK in a process of its own, in one of the runtimes that it is for: Bun's fetch and undici are two clients.

import { join } from "node:path";
import { type Suite, suites } from "./all.ts";

export type Runtime = "bun" | "node";

/** The token of sandboxes that have one. */
export const token = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";

const root = join(import.meta.dir, "../..");

const commands: Readonly<Record<Runtime, readonly string[]>> = {
  bun: [process.execPath],
  node: [join(root, "node_modules/.bin/node")],
};

/** How each case went, by its name: an empty string, or the reason of its failure. */
export type Results = ReadonlyMap<string, string>;

/** The names of a suite's cases. */
export function namesOf(suite: Suite): string[] {
  return suites[suite].map(({ name }) => name);
}

/** Runs a suite against an agent that serves at a URL and that nobody has called /init of with another token. */
export async function runSdk(runtime: Runtime, url: string, suite: Suite): Promise<Results> {
  const words = [join(root, "test/e2b/program.ts"), url, suite, ...(suite === "secured" ? [token] : [])];
  const program = Bun.spawn({
    cmd: ["setpriv", "--pdeathsig", "KILL", ...commands[runtime], ...words],
    // No settings of the SDK's, and no proxy.
    env: { PATH: process.env.PATH, HOME: "/dev/null" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const results = new Map<string, string>();
  for (const line of (await new Response(program.stdout).text()).split("\n")) {
    if (line === "") continue;
    const [name, milliseconds, reason] = JSON.parse(line) as [string, number, string];
    if (process.env.MOTE_VERBOSE !== undefined) console.log(`${runtime}: ${name}: ${milliseconds} ms`);
    results.set(name, reason);
  }
  if ((await program.exited) !== 0) throw new Error(`the SDK's program in ${runtime} ended with ${program.exitCode}`);
  return results;
}
