/** The agent's command line. */
import { type Address, parseAddress } from "./sys/address.ts";
import { ArgumentReader, UsageError } from "./sys/arguments.ts";
import { getenv } from "./sys/environ.ts";
import { setLogLevel } from "./sys/log.ts";
import { VERSION } from "./version.ts";

const DEFAULT_PORT = 1024;

/** What `--help` prints. */
export function usage(): string {
  return `mote ${VERSION}, the guest agent of a microVM

usage: mote [--listen ADDR]... [--port N] [--log LEVEL]

  --listen ADDR   where to serve the SmolVM control channel; may be repeated
                    vsock:PORT       AF_VSOCK, from any CID (also vsock://PORT)
                    unix:PATH        a Unix socket, made with mode 0600
                    tcp:HOST:PORT    TCP; HOST is numeric or localhost
                    fd:N             an inherited descriptor, listening or connected
  --port N        the same as --listen vsock:N
  --log LEVEL     error, warn, info (the default) or debug, on standard error
  --version       print the version
  --help          print this text

Without an address it listens on vsock:$SMOLVM_AGENT_PORT, or vsock:${DEFAULT_PORT}.
SIGTERM and SIGINT stop it: running commands are killed, it exits with 0.
`;
}

export const enum Task {
  SERVE,
  HELP,
  VERSION,
}

export class Options {
  task = Task.SERVE;
  readonly addresses: Address[] = [];

  /** Reads the arguments. Sets the log level. Throws UsageError. */
  static parse(words: string[]): Options {
    const options = new Options();
    const reader = new ArgumentReader(words);
    for (let option = reader.read(); option !== undefined; option = reader.read()) {
      if (option === "--help" || option === "-h") {
        options.task = Task.HELP;
        return options;
      }
      if (option === "--version" || option === "-V") {
        options.task = Task.VERSION;
        return options;
      }
      if (option === "--listen") options.addresses.push(parseAddress(reader.value(option)));
      else if (option === "--port") options.addresses.push(parseAddress(`vsock:${reader.value(option)}`));
      else if (option === "--log") setLog(reader.value(option));
      else throw new UsageError(`${option}: no such option`);
    }
    if (options.addresses.length === 0) {
      const port = getenv("SMOLVM_AGENT_PORT");
      const isSet = port !== undefined && port !== "";
      options.addresses.push(parseAddress(`vsock:${isSet ? port : `${DEFAULT_PORT}`}`));
    }
    return options;
  }
}

function setLog(level: string): void {
  if (!setLogLevel(level)) throw new UsageError(`--log ${level}: write error, warn, info or debug`);
}
