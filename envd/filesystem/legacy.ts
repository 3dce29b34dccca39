/** The old clients, who cannot read all that there is; envd-rpc.md 1.3. */
import type { Call } from "../../connect/call.ts";

/** The field of requests that tells them, and what it says then. */
export const AGENT_FIELD = "user-agent";
const LEGACY_AGENT = "connect-python";

/** Whether a call is made by one of them. */
export function isLegacy(call: Call): boolean {
  return call.header(AGENT_FIELD) === LEGACY_AGENT;
}

/** To come before an answer that succeeds: tells them that they are known. */
export function markLegacy(call: Call): void {
  if (isLegacy(call)) call.exchange.addField("X-E2B-Legacy-SDK", "true");
}
