/** The command that is run once when the daemon starts, `--cmd`; envd-http.md 2.6, envd-rpc.md 3.12. */
import { RpcError } from "../connect/error.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Defaults } from "./defaults.ts";
import { ProcessConfig } from "./process/config.ts";
import { programOf } from "./process/program.ts";
import { begin, StartOptions, startProcess } from "./process/starting.ts";
import { BOOT_TAG, type ProcessTable } from "./process/table.ts";
import { findUser } from "./users.ts";

const SHELL = "/bin/sh";

/**
 * Starts the command by a login shell, as the default user, who is root as long as no host has called. It is a process
 * like any other, with the tag `init-cmd`.
 */
export function startBootCommand(table: ProcessTable, defaults: Defaults, command: string): void {
  try {
    const shell = findUser(defaults.user)?.shell ?? "";
    const config = new ProcessConfig(shell === "" ? SHELL : shell, ["-l", "-c", command], new Map<string, string>(), undefined);
    const options = new StartOptions(BOOT_TAG, undefined, false);
    const process = startProcess(table, programOf(config, defaults, "", false), config, options);
    log(Level.INFO, `command started as ${process.pid}`);
    begin(table, process, undefined);
  } catch (error) {
    if (error instanceof SysError) return log(Level.ERROR, `command not started: ${error.describe()}`);
    if (error instanceof RpcError) return log(Level.ERROR, `command not started: ${error.message}`);
    throw error;
  }
}
