// What tests of POST /init share.

import { expect } from "bun:test";
import { Daemon } from "./daemon.ts";

/** The type of most bodies. */
export const json = { "content-type": "application/json" };

/** The variables that are the daemon's own. */
export const internal = { WRENN_SANDBOX: "false", E2B_SANDBOX: "false" };

/** Setup in which mount(8) takes 2 s, and so does an /init with a volume. */
export const slowMount = "mount -t tmpfs bin /usr/local/sbin; printf '#!/bin/sh\\nexec sleep 2\\n' > /usr/local/sbin/mount; chmod 755 /usr/local/sbin/mount";

/** Runs `body` with a daemon that has had no /init. */
export function fresh(body: (daemon: Daemon) => Promise<void>): Promise<void> {
  return Daemon.with({}, body);
}

/** Status and body of an answer, whose fields are those that all have. */
export async function answer(response: Response): Promise<[number, string]> {
  expect(response.headers.get("x-envd-version")).toMatch(/^\d+\.\d+\.\d+$/);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return [response.status, await response.text()];
}

/** The status of /metrics with a token, or without. */
export async function statusWith(daemon: Daemon, token?: string): Promise<number> {
  return (await daemon.fetch("/metrics", token === undefined ? {} : { headers: { "x-access-token": token } })).status;
}
