/** The command line of motectl. */
import { ArgumentReader, UsageError } from "../sys/arguments.ts";
import { getenv } from "../sys/environ.ts";
import { VERSION } from "../version.ts";
import type { Command } from "./command.ts";
import { Endpoint } from "./endpoint.ts";
import { GetCommand } from "./get.ts";
import { PingCommand } from "./ping.ts";
import { PutCommand } from "./put.ts";
import { RunCommand } from "./run.ts";

export const USAGE = `motectl ${VERSION}, the host's side of a microVM's guest agent

usage: motectl [ADDRESS] ping
       motectl [ADDRESS] run [-e NAME=VALUE]... [--timeout SECONDS] [--raw] -- COMMAND...
       motectl [ADDRESS] put LOCAL REMOTE [--mode OCTAL]
       motectl [ADDRESS] get REMOTE LOCAL

ADDRESS, where the agent is reached:
  --unix PATH              a Unix socket
  --vsock CID:PORT         AF_VSOCK
  --tcp HOST:PORT          TCP; HOST is numeric or localhost
  --firecracker PATH:PORT  a port in the guest, through the Unix socket of Firecracker's vsock device
Without one of these the environment variable MOTE_ADDRESS says it: unix:PATH, vsock:CID:PORT, tcp:HOST:PORT,
firecracker:PATH:PORT, or fd:N for an inherited descriptor.

ping  prints the agent's version and the round-trip time.

run   runs a command with its output here. One COMMAND word is a script for the guest's shell; of several each arrives
      as it is given here.
        -e NAME=VALUE      set a variable of the command; may be repeated
        --timeout SECONDS  kill it after that time; fractions are allowed
        --raw              use /bin/sh -c instead of a login shell
      Exits with the command's code; 128+N when signal N killed it; 124 after the timeout; 125 when it could not be run.

put   copies a file into the guest. LOCAL - is standard input.
        --mode OCTAL       permission bits; by default those of LOCAL, 0600 for standard input
get   copies a file out of the guest. LOCAL - is standard output. LOCAL gets the permission bits of REMOTE, but for
      set-user-id, set-group-id and sticky.
      Both replace the target in one step when all is there, and leave it as it was otherwise. They exit with 1 when
      that failed, and show their progress on a terminal.

  --version  print the version
  --help     print this text

A command line that cannot be understood exits with 2.
`;

export const enum Task {
  PERFORM,
  HELP,
  VERSION,
}

/** The options that name an address, and the scheme each stands for. */
const SCHEMES = ["--unix", "--vsock", "--tcp", "--firecracker"];

export class Options {
  task = Task.PERFORM;
  endpoint: Endpoint | undefined;
  command: Command | undefined;

  /** Reads the arguments. For Task.PERFORM endpoint and command are there. Throws UsageError. */
  static parse(words: string[]): Options {
    const options = new Options();
    const reader = new ArgumentReader(words);
    for (let word = reader.read(); word !== undefined; word = reader.read()) options.take(word, reader);
    if (options.task !== Task.PERFORM) return options;
    if (options.command === undefined) throw new UsageError("say what to do: ping, run, put or get");
    options.command.check();
    if (options.endpoint === undefined) options.endpoint = usualEndpoint();
    return options;
  }

  private take(word: string, reader: ArgumentReader): void {
    if (SCHEMES.includes(word)) {
      if (this.endpoint !== undefined) throw new UsageError(`${word}: one address is enough`);
      this.endpoint = Endpoint.parse(`${word.slice(2)}:${reader.value(word)}`);
    } else if (word === "--help" || word === "-h") this.end(Task.HELP, reader);
    else if (word === "--version" || word === "-V") this.end(Task.VERSION, reader);
    else if (word.startsWith("-") && word !== "-") this.takeOption(word, reader);
    else if (this.command === undefined) this.command = newCommand(word);
    else this.command.takeWord(word, reader);
  }

  private takeOption(option: string, reader: ArgumentReader): void {
    const command = this.command;
    if (command !== undefined && command.takeOption(option, reader)) return;
    const where = command === undefined ? "no" : `${command.name} has no`;
    throw new UsageError(`${option}: ${where} such option`);
  }

  private end(task: Task, reader: ArgumentReader): void {
    this.task = task;
    reader.rest();
  }
}

function newCommand(name: string): Command {
  if (name === "ping") return new PingCommand();
  if (name === "run") return new RunCommand();
  if (name === "put") return new PutCommand();
  if (name === "get") return new GetCommand();
  throw new UsageError(`${name}: no such command; there are ping, run, put and get`);
}

function usualEndpoint(): Endpoint {
  const text = getenv("MOTE_ADDRESS") ?? "";
  if (text !== "") return Endpoint.parse(text);
  throw new UsageError(
    "no address: give --unix PATH, --vsock CID:PORT, --tcp HOST:PORT or --firecracker PATH:PORT, or set MOTE_ADDRESS",
  );
}
