/** The command that is run once when the daemon starts, `--cmd`; envd-http.md 2.6. */
import { CStringVector } from "../sys/bytes.ts";
import { getenv } from "../sys/environ.ts";
import { SysError } from "../sys/errno.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { launch } from "../sys/launch.ts";
import { Level, log } from "../sys/log.ts";
import { Command, reap } from "../sys/process.ts";
import type { Defaults } from "./defaults.ts";
import { findUser } from "./users.ts";

const STDERR = 2;
const SHELL = "/bin/sh";
const HOME = "/root";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Starts the command by a login shell, as the default user, who is root as long as no host has called. Its output goes
 * where the log goes at first. It is a process like any other, with the tag `init-cmd`, as soon as there is a list of
 * them to put it on.
 */
export function startBootCommand(exits: ExitWatcher, defaults: Defaults, command: string): void {
  try {
    const user = findUser(defaults.user);
    const home = user?.home ?? HOME;
    const shell = user === undefined || user.shell === "" ? SHELL : user.shell;
    const argv = new CStringVector();
    for (const word of [shell, "-l", "-c", command]) argv.add(word);
    const environment = new CStringVector();
    for (const [name, value] of defaults.environment.all()) environment.add(`${name}=${value}`);
    environment.add(`PATH=${getenv("PATH") ?? PATH}`);
    environment.add(`HOME=${home}`);
    environment.add(`USER=${defaults.user}`);
    environment.add(`LOGNAME=${defaults.user}`);
    const pid = launch(new Command(shell, argv, environment.address(), defaults.workdir === "" ? home : defaults.workdir), STDERR);
    log(Level.INFO, `command started as ${pid}`);
    exits.watch(pid, () => log(Level.INFO, `command ${pid} ended with ${reap(pid)}`));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.ERROR, `command not started: ${error.describe()}`);
  }
}
