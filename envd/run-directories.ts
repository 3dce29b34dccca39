/** The directories in which envd says who and where it is, under the names that both hosts look for; lifecycle.md 4.3. */
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { makeDirectory } from "../sys/node.ts";
import { replaceText } from "../sys/text.ts";

const PUBLIC = 0o755;
const READABLE = 0o444;

/** Makes both, with the file that says whether this is a microVM of Firecracker's. Logs what fails. */
export function makeRunDirectories(isMicroVm: boolean): void {
  writeFlag("/run/wrenn", ".WRENN_SANDBOX", isMicroVm);
  writeFlag("/run/e2b", ".E2B_SANDBOX", isMicroVm);
}

function writeFlag(directory: string, name: string, isMicroVm: boolean): void {
  try {
    makeDirectory(directory, PUBLIC);
    replaceText(`${directory}/${name}`, isMicroVm ? "true" : "false", READABLE);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
  }
}
