// Processes that three subscribers follow, each of whom is to get everything.

import { expect } from "bun:test";
import { sha256 } from "../scratch.ts";
import { Client } from "./client.ts";
import type { EventStream } from "./event-stream.ts";

const BYTES = 1_000_000;

/** Runs a process that writes 1 MB to three subscribers, and checks what they got. `index` tells it from others. */
async function follow(port: number, index: number): Promise<void> {
  const seed = `${index}`.repeat(8).slice(0, 8);
  const client = new Client(port, index % 2 === 0 ? "json" : "proto");
  const stream = await client.sh(`read x; yes ${seed} | head -c ${BYTES}`, {}, { stdin: true });
  const pid = await stream.started();
  const others: EventStream[] = [];
  for (const codec of ["json", "proto"] as const) others.push(await new Client(port, codec).connect({ pid }));
  await Promise.all(others.map((other) => other.started()));
  await client.stdin({ pid }, "go\n");
  const expected = sha256(Buffer.from(`${seed}\n`.repeat(BYTES / 9 + 1).slice(0, BYTES)));
  for (const { stdout, end } of await Promise.all([stream, ...others].map((one) => one.outcome()))) {
    expect([sha256(stdout), end?.exitCode]).toEqual([expected, 0]);
  }
  for (const one of [stream, ...others]) one.close();
}

/** So many of these at once. */
export async function followMany(port: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => follow(port, index)));
}
