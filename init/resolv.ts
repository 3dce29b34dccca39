/** /etc/resolv.conf, resolv.conf(5): written where nobody else has. */
import { decodeText, encodeText } from "../sys/bytes.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { linkTarget, stat } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { readWhole, replaceWhole } from "../sys/whole-file.ts";

const MAX_BYTES = 16 * 1024;
const MODE = 0o644;
const KEYWORD = "nameserver";
const NO_ADDRESS = "0.0.0.0";
/** What a link says that leads to a file of systemd-resolved, systemd-resolved.service(8). */
const RESOLVED = "systemd/resolve/";

/** Whether nothing is there that anybody could have meant: no file, a link to none, or a file of no bytes. */
function isVacant(path: string): boolean {
  try {
    if (stat(path).size > 0) return false;
    // systemd fills its own when it is ready.
    const target = linkTarget(path);
    return target === undefined || !target.includes(RESOLVED);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return error.errno === Errno.ENOENT;
  }
}

/** The name servers that the kernel found out, /proc/net/pnp; it has lines as resolv.conf has. */
function kernelNameServers(path: string): string[] {
  const servers: string[] = [];
  try {
    const bytes = readWhole(path, MAX_BYTES);
    for (const line of decodeText(bytes, 0, bytes.length).split("\n")) {
      const words = line.split(" ").filter((word) => word !== "");
      const address = words.at(1) ?? NO_ADDRESS;
      if (words.at(0) === KEYWORD && address !== NO_ADDRESS) servers.push(address);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return servers;
}

/**
 * Writes the resolv.conf at `path` in one step where it is missing, empty or a link to nothing: with the servers given,
 * else those of the kernel's file at `pnpPath`, else the defaults; with none of them, not at all. A link gives way to a
 * file; nothing is ever written through one. A failure is a line in the log.
 */
export function updateResolver(path: string, pnpPath: string, given: string[], defaults: string[]): void {
  if (!isVacant(path)) return;
  let servers = given;
  if (servers.length === 0) servers = kernelNameServers(pnpPath);
  if (servers.length === 0) servers = defaults;
  if (servers.length === 0) return;
  const lines = servers.map((server) => `${KEYWORD} ${server}\n`);
  try {
    replaceWhole(path, encodeText(lines.join("")), MODE);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `${path} stays as it is: ${error.describe()}`);
  }
}
