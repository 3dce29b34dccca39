/** The agent's command line. */
import { profileByName } from "./init/profile.ts";
import { ENVD } from "./init/serving.ts";
import { type Address, parseAddress } from "./sys/address.ts";
import { ArgumentReader, UsageError } from "./sys/arguments.ts";
import { consistsOf, DIGITS } from "./sys/bytes.ts";
import { getenv } from "./sys/environ.ts";
import { isLogLevel } from "./sys/log.ts";
import { VERSION } from "./version.ts";

const DEFAULT_PORT = 1024;
const SECONDS_DIGITS = 6;

/** What `--help` prints. */
export function usage(): string {
  return `mote ${VERSION}, the guest agent of a microVM

usage: mote [--listen ADDR]... [--port N] [--profile NAME] [--log LEVEL] [--log-to WHERE] [--no-supervise]

  --listen ADDR   where to serve the SmolVM control channel; may be repeated
                    vsock:PORT       AF_VSOCK, from any CID (also vsock://PORT)
                    unix:PATH        a Unix socket, made with mode 0600
                    tcp:HOST:PORT    TCP; HOST is numeric or localhost
                    fd:N             an inherited descriptor, listening or connected
  --port N        the same as --listen vsock:N
  --profile NAME  whose guest this is: smolvm, wrenn, e2b or generic; otherwise the program's name tells,
                  smolvm-guest-agent, envd or wrenn-init
  --log LEVEL     error, warn, info (the default) or debug
  --log-to WHERE  stderr (the default), kmsg, console, off, or a file
  --no-supervise  serve in this very process; otherwise a parent holds the listeners and starts
                  another worker whenever one ends
  --idle-timeout SECONDS
                  how long a connection of envd's protocol may make no progress; 640 unless given
  --version       print the version
  --commit        print the commit that it was built from
  --help          print this text

Without an address it listens on vsock:$SMOLVM_AGENT_PORT, or vsock:${DEFAULT_PORT}.
SIGTERM and SIGINT stop it: running commands are killed, it exits with 0.

As PID 1 it is the guest's init as well: it mounts what a Linux system needs, sets up the network, reaps, and ends the
machine in order. The kernel's command line has its options, mote.NAME=VALUE; README.md lists them. It logs to kmsg.
`;
}

export const enum Task {
  SERVE,
  /** Serve what a supervisor sends. */
  WORK,
  HELP,
  VERSION,
  COMMIT,
}

export class Options {
  task = Task.SERVE;
  readonly addresses: Address[] = [];
  isSupervised = true;
  /** envd: no metadata service, the clock is never set. */
  isOutsideFirecracker = false;
  /** How long a connection of envd's protocol may make no progress; milliseconds, 0 where not given. */
  idleLimit = 0;
  /** A worker's channel to its supervisor, and the record that both hold. */
  channel = -1;
  recordFile = -1;
  /** A worker's supervisor is PID 1. */
  isInInit = false;

  /** What PID 1 knows of itself when it has started over in place; -1 otherwise. */
  resume = -1;
  /** Empty where not given. */
  logLevel = "";
  /** Where the log goes; sys/log.ts. */
  logTarget = "";
  /** Empty where the program's name decides. */
  profile = "";
  /** What was not understood, in a lenient reading. */
  readonly complaints: string[] = [];

  /**
   * Reads the arguments. Throws UsageError; a lenient reading leaves out what it does not understand instead, because
   * PID 1 gets every word of the kernel's command line that the kernel has no use for.
   */
  static parse(words: string[], isLenient: boolean): Options {
    const options = new Options();
    const reader = new ArgumentReader(words);
    for (;;) {
      try {
        const option = reader.read();
        if (option === undefined) break;
        if (!options.apply(option, reader)) throw new UsageError(`${option}: no such option`);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        if (!isLenient) throw error;
        reader.drop();
        options.complaints.push(error.message);
      }
    }
    return options;
  }

  /** What to listen on where nothing else was said. Throws UsageError, unless it is to be lenient. */
  static defaultAddress(isLenient: boolean): Address {
    const port = getenv("SMOLVM_AGENT_PORT") ?? "";
    try {
      if (port !== "") return parseAddress(`vsock:${port}`);
    } catch (error) {
      if (!isLenient || !(error instanceof UsageError)) throw error;
    }
    return parseAddress(`vsock:${DEFAULT_PORT}`);
  }

  /** Returns false for an option that is none. */
  private apply(option: string, reader: ArgumentReader): boolean {
    switch (option) {
      case "--help":
      case "-h":
        this.ask(Task.HELP);
        return true;
      case "--version":
      case "-V":
        this.ask(Task.VERSION);
        return true;
      case "--commit":
        this.ask(Task.COMMIT);
        return true;
      case "--listen":
        this.addresses.push(parseAddress(reader.value(option)));
        return true;
      case "--envd":
        this.addresses.push(parseAddress(`${ENVD}+${reader.value(option)}`));
        return true;
      case "--isnotfc":
        this.isOutsideFirecracker = true;
        return true;
      case "--idle-timeout":
        this.idleLimit = checkedSeconds(option, reader.value(option)) * 1000;
        return true;
      case "--port":
        this.addresses.push(parseAddress(`vsock:${reader.value(option)}`));
        return true;
      case "--log":
        this.logLevel = checkedLevel(reader.value(option));
        return true;
      case "--log-to":
        this.logTarget = reader.value(option);
        return true;
      case "--profile":
        this.profile = checkedProfile(reader.value(option));
        return true;
      case "--no-supervise":
        this.isSupervised = false;
        return true;
      case "--worker":
        this.serveFor(reader.value(option));
        return true;
      case "--resume":
        this.resume = parseAddress(`fd:${reader.value(option)}`).port;
        return true;
      case "--in-init":
        this.isInInit = true;
        return true;
      default:
        return false;
    }
  }

  /** The first question is answered. */
  private ask(task: Task): void {
    if (this.task === Task.SERVE) this.task = task;
  }

  /** `CHANNEL,RECORD`: the descriptors that a supervisor gives its worker. */
  private serveFor(descriptors: string): void {
    const comma = descriptors.indexOf(",");
    this.channel = parseAddress(`fd:${descriptors.slice(0, comma)}`).port;
    this.recordFile = parseAddress(`fd:${descriptors.slice(comma + 1)}`).port;
    this.task = Task.WORK;
  }
}

function checkedProfile(name: string): string {
  if (profileByName(name) === undefined) throw new UsageError(`--profile ${name}: write smolvm, wrenn, e2b or generic`);
  return name;
}

function checkedSeconds(option: string, text: string): number {
  if (!consistsOf(text, DIGITS, SECONDS_DIGITS) || Number(text) === 0) throw new UsageError(`${option} ${text}: write seconds`);
  return Number(text);
}

function checkedLevel(level: string): string {
  if (!isLogLevel(level)) throw new UsageError(`--log ${level}: write error, warn, info or debug`);
  return level;
}
