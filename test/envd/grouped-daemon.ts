// What tests of control groups ask of a daemon.

import { expect } from "bun:test";
import { Client } from "../rpc/client.ts";
import type { Daemon } from "./daemon.ts";

export const terminal = { pty: { size: { cols: 80, rows: 24 } } };

export function clientOf(daemon: Daemon): Client {
  return new Client(daemon.port, "proto");
}

export async function expectRuns(client: Client, request: object = {}): Promise<void> {
  expect((await client.run("exit 3", {}, request)).end?.status).toBe("exit status 3");
}

export async function post(daemon: Daemon, path: string, status = 204): Promise<void> {
  expect((await daemon.fetch(path, { method: "POST" })).status).toBe(status);
}
