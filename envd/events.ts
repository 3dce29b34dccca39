/** The host that takes events: its names in /etc/hosts, and where it is in the environment; envd-http.md 5.4, hyperloop. */
import { isIpLiteral } from "../sys/address.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { close } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { openForOverwrite } from "../sys/overwrite.ts";
import { writeFully } from "../sys/stdio.ts";
import { readWhole } from "../sys/whole-file.ts";
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
    if (content !== undefined) overwrite(content);
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

/** In place: often it is a mount, which nothing can be renamed over. */
function overwrite(content: Uint8Array): void {
  const file = openForOverwrite(HOSTS);
  const written = writeFully(file.fd, content, 0, content.length);
  close(file.fd);
  if (written < 0) throw new SysError("write", -written, HOSTS);
}
