/** The host that takes events: its names in /etc/hosts, and where it is in the environment; envd-http.md 5.4, hyperloop. */
import { isIpLiteral } from "../sys/address.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { overwriteWhole, readWhole } from "../sys/whole-file.ts";
import type { Environment } from "./environment.ts";
import { withNames } from "./hosts.ts";

const HOSTS = "/etc/hosts";
const MAX_BYTES = 1024 * 1024;
const NAMES = ["events.wrenn.local", "events.e2b.local"];

/** Leads the guest to the address, an IPv4 or IPv6 literal. What fails, or is no address, is a line in the log. */
export function setEventsAddress(environment: Environment, address: string): void {
  if (!isIpLiteral(address)) return log(Level.WARN, `${HOSTS} stays as it is: ${address} is no address`);
  try {
    const content = withNames(readHosts(), address, NAMES);
    // In place: often it is a mount, which nothing can be renamed over.
    if (content !== undefined) overwriteWhole(HOSTS, content);
    environment.setInternal("WRENN_EVENTS_ADDRESS", `http://${address}`);
    environment.setInternal("E2B_EVENTS_ADDRESS", `http://${address}`);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `${HOSTS}: ${error.describe()}`);
  }
}

/** The file, nothing where there is none. Throws SysError. */
function readHosts(): Uint8Array {
  try {
    return readWhole(HOSTS, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
    return new Uint8Array(0);
  }
}
