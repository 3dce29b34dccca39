/** What a request to start a process comes to: a program, its user, environment and directory; envd-rpc.md 3.2. */
import { Code } from "../../connect/code.ts";
import { invalid, RpcError } from "../../connect/error.ts";
import { CStringVector } from "../../sys/bytes.ts";
import { Credentials } from "../../sys/credentials.ts";
import { getenv } from "../../sys/environ.ts";
import { Errno, errnoText, type SysError } from "../../sys/errno.ts";
import { Accounts } from "../../sys/passwd.ts";
import { Program } from "../../sys/start.ts";
import type { Defaults } from "../defaults.ts";
import { PathError, resolvePath } from "../paths.ts";
import { accountOf } from "./account.ts";
import type { ProcessConfig } from "./config.ts";

const USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const USUAL_TERMINAL = "xterm-256color";
/** Of a path, with its NUL. */
const PATH_MAX = 4096;
/** What is shown of a command. */
const SHOWN = 256;

/** Throws RpcError for what cannot be, SysError where the system fails. */
export function programOf(config: ProcessConfig, defaults: Defaults, username: string, isOnTerminal: boolean): Program {
  const accounts = new Accounts();
  const user = accountOf(accounts, username, defaults.user);
  const home = user.home.startsWith("/") ? user.home : "/";
  const directory = directoryOf(config.directory ?? "", home, defaults.workdir);
  const variables = new Map<string, string>([
    ["PATH", getenv("PATH") ?? USUAL_PATH],
    ["HOME", home],
    ["USER", user.name],
    ["LOGNAME", user.name],
    ["PWD", directory],
  ]);
  if (isOnTerminal) variables.set("TERM", USUAL_TERMINAL);
  for (const [name, value] of defaults.environment.all()) variables.set(name, value);
  for (const [name, value] of config.variables) variables.set(name, value);
  const environment = new CStringVector();
  for (const [name, value] of variables) environment.addPlain(`${name}=${value}`);
  const argv = new CStringVector();
  argv.addPlain(config.command);
  for (const argument of config.args) argv.addPlain(argument);
  const credentials = new Credentials(user.uid, user.gid, accounts.groupsOf(user));
  return new Program(config.command, variables.get("PATH") ?? "", argv, environment, directory, credentials);
}

function directoryOf(path: string, home: string, workdir: string): string {
  try {
    const directory = resolvePath(path, home, workdir);
    if (directory.length >= PATH_MAX) throw invalid("cwd is too long");
    return directory;
  } catch (error) {
    if (error instanceof PathError) throw invalid(error.message);
    throw error;
  }
}

/** What a caller is told of a program that could not be started. */
export function startError(error: SysError, program: string): RpcError {
  if (error.call === "chdir") return invalid(directoryText(error));
  const shown = program.length > SHOWN ? `${program.slice(0, SHOWN)}...` : program;
  const code = error.errno === Errno.E2BIG ? Code.INVALID_ARGUMENT : Code.INTERNAL;
  return new RpcError(code, `error starting process '${shown}': ${error.call}: ${errnoText(error.errno)}`);
}

function directoryText(error: SysError): string {
  if (error.errno === Errno.ENOENT) return `cwd '${error.path}' does not exist`;
  if (error.errno === Errno.ENOTDIR) return `cwd '${error.path}' is not a directory`;
  return `cwd '${error.path}': ${errnoText(error.errno)}`;
}
