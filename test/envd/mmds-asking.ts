// A daemon that asks a metadata service of the tests' own, on loopback.

import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import type { MetadataService } from "./mmds-service.ts";

export const ids = { instanceID: "i-0123", envID: "t-4567" };
/** All variables of a daemon that knows no ids. */
export const flags = { WRENN_SANDBOX: "true", E2B_SANDBOX: "true" };

/** Runs `body` with a daemon that asks the service. */
export function asking(service: MetadataService, body: (daemon: Daemon) => Promise<void>, options: DaemonOptions = {}): Promise<void> {
  return Daemon.with({ args: service.args, ...options }, body);
}

export function known(daemon: Daemon, instance: string): Promise<void> {
  return until(`it knows ${instance}`, 20, async () => (await daemon.envs()).WRENN_SANDBOX_ID === instance);
}
