// A worker that does not answer: one that is held is left alone, one that hangs is replaced; lifecycle.md 1.13. This takes
// most of a minute, nearly all of it waiting.

import { expect, test } from "bun:test";
import { host } from "../host.ts";
import { spin } from "../machine-code.ts";
import { Namespace } from "../namespace.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";

/** Three questions 10 s apart, the first of them after up to 10 s, and 10 s for the answer to the last. */
const patience = 40;

/** A worker under SIGSTOP for longer than that. */
function held(): Promise<void> {
  return Namespace.with({}, async (namespace) => {
    const worker = await namespace.worker();
    process.kill(worker, "SIGSTOP");
    await Bun.sleep((patience + 2) * 1000);
    expect(proc.state(worker)).toBe("T");
    process.kill(worker, "SIGCONT");
    expect(await namespace.worker()).toBe(worker);
  });
}

/** A worker that goes round in a loop. */
function spinning(): Promise<void> {
  return Namespace.with({}, async (namespace) => {
    const worker = await namespace.worker();
    const start = performance.now();
    await spin(worker);
    const waiting = namespace.client.ping();
    await until("it is killed", patience + 5, () => !proc.isAlive(worker));
    expect(performance.now() - start).toBeGreaterThan(25_000);
    await waiting;
    expect(namespace.stderr).toContain("hangs: it is killed");
    expect(await namespace.worker()).not.toBe(worker);
  });
}

/** A worker that has nothing to do for as long. */
function idle(): Promise<void> {
  return Namespace.with({}, async (namespace) => {
    const worker = await namespace.worker();
    await Bun.sleep((patience + 2) * 1000);
    expect(await namespace.worker()).toBe(worker);
  });
}

test("L089: a worker that is stopped for 40 s, or idle, is left alone; one that spins is replaced", async () => {
  await Promise.all([held(), idle(), ...(host.name === "x86_64" ? [spinning()] : [])]);
}, 120_000);
