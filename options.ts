/** The agent's command line. */
import { EnvdOptions } from "./envd/options.ts";
import { profileByName, profileOf } from "./init/profile.ts";
import { ENVD } from "./init/serving.ts";
import { type Address, parseAddress } from "./sys/address.ts";
import { ArgumentReader, UsageError } from "./sys/arguments.ts";
import { getenv } from "./sys/environ.ts";
import { isLogLevel } from "./sys/log.ts";

const DEFAULT_PORT = 1024;

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
  readonly envd = new EnvdOptions();
  /** Whether the program is envd: `--port` and `--version` are envd's own. */
  readonly isEnvd: boolean;
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

  private constructor(isEnvd: boolean) {
    this.isEnvd = isEnvd;
  }

  /** The options that the arguments of an agent say, its name before them. `isLenient` as in `parse`. Throws UsageError. */
  static of(words: string[], isLenient: boolean): Options {
    return Options.parse(words, isLenient, Options.isEnvd(words));
  }

  /** Whether the program with these arguments is envd: by what it was called, or by the profile that it is told. */
  static isEnvd(words: string[]): boolean {
    return (profileByName(Options.parse(words, true, false).profile) ?? profileOf(words.at(0) ?? "")).hasEnvd;
  }

  /**
   * Reads the arguments. Throws UsageError; a lenient reading leaves out what it does not understand instead, because
   * PID 1 gets every word of the kernel's command line that the kernel has no use for.
   */
  static parse(words: string[], isLenient: boolean, isEnvd: boolean): Options {
    const options = new Options(isEnvd);
    const reader = new ArgumentReader(words);
    reader.takesOneDash = isEnvd;
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
  static defaultAddress(isEnvd: boolean, isLenient: boolean): Address {
    if (isEnvd) return envdAddress("49983");
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
        if (reader.flag(option)) this.ask(Task.VERSION);
        return true;
      case "--commit":
        if (reader.flag(option)) this.ask(Task.COMMIT);
        return true;
      case "--verbose":
        if (reader.flag(option)) this.logTarget = "stdout";
        return true;
      case "--listen":
        this.addresses.push(parseAddress(reader.value(option)));
        return true;
      case "--envd":
        this.addresses.push(parseAddress(`${ENVD}+${reader.value(option)}`));
        return true;
      case "--port":
        this.addresses.push(this.isEnvd ? envdAddress(reader.value(option)) : parseAddress(`vsock:${reader.value(option)}`));
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
        return this.envd.apply(option, reader);
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

/** Where envd serves. Throws UsageError. */
function envdAddress(port: string): Address {
  return parseAddress(`${ENVD}+tcp:0.0.0.0:${port}`);
}

function checkedProfile(name: string): string {
  if (profileByName(name) === undefined) throw new UsageError(`--profile ${name}: write smolvm, wrenn, e2b or generic`);
  return name;
}

function checkedLevel(level: string): string {
  if (!isLogLevel(level)) throw new UsageError(`--log ${level}: write error, warn, info or debug`);
  return level;
}
