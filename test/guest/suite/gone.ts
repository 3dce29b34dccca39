/** Processes of commands that must have ended. */
import { until } from "./check.ts";
import type { Client } from "./client.ts";

/** Waits until a process has ended, and fails where it does not. */
export function gone(client: Client, pid: string): void {
  until(`process ${pid} is gone`, () => client.run(`kill -0 ${pid}`).exitCode !== 0);
}
