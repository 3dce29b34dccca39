/** mote, the guest agent of a microVM: one entry, from the command line to the loop. */
import { Options, Task, usage } from "./options.ts";
import { Server } from "./smolvm/server.ts";
import { type Address, Family } from "./sys/address.ts";
import { UsageError } from "./sys/arguments.ts";
import { programArguments } from "./sys/environ.ts";
import { Errno, SysError } from "./sys/errno.ts";
import { ExitWatcher } from "./sys/exit.ts";
import { GroupTable } from "./sys/groups.ts";
import { raiseFileLimit } from "./sys/limits.ts";
import { Level, log } from "./sys/log.ts";
import { Loop, Ready } from "./sys/loop.ts";
import { prepareSignals, Signal, SignalBit, SignalSource } from "./sys/signals.ts";
import { Listener } from "./sys/socket.ts";
import { exit, fillStandardDescriptors, writeText } from "./sys/stdio.ts";
import { VERSION } from "./version.ts";

const STDOUT = 1;
const STDERR = 2;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** SIGTERM and SIGINT end the agent in order. */
class StopSignals extends SignalSource {
  private readonly loop: Loop;
  private readonly server: Server;

  constructor(loop: Loop, server: Server) {
    super(SignalBit.TERM + SignalBit.INT);
    this.loop = loop;
    this.server = server;
  }

  override onSignal(signal: number): void {
    log(Level.INFO, `stopping: ${signal === Signal.TERM ? "SIGTERM" : "SIGINT"}`);
    this.server.stop();
    this.loop.stop();
  }
}

/** What to say of an address that cannot be served. */
function listenErrorText(address: Address, error: SysError): string {
  const isMissing = error.call === "socket" && error.errno === Errno.EAFNOSUPPORT;
  if (address.family === Family.VSOCK && isMissing) {
    return `this kernel has no AF_VSOCK, so ${address.text} cannot be served; try --listen unix:PATH`;
  }
  if (address.family === Family.UNIX && error.errno === Errno.EADDRINUSE) {
    return `${address.text} is in use: another agent listens there, or the path is no socket`;
  }
  return `cannot listen on ${address.text}: ${error.describe()}`;
}

/** Serves the addresses until a signal or the end of an inherited connection. Returns the exit code. */
function serve(addresses: Address[]): number {
  fillStandardDescriptors();
  prepareSignals();
  const loop = new Loop();
  const server = new Server(loop, new ExitWatcher(loop), new GroupTable(-1, 0), raiseFileLimit());
  loop.add(new StopSignals(loop, server), Ready.READABLE);
  for (const address of addresses) {
    try {
      server.listen(Listener.open(address));
      log(Level.INFO, `listening on ${address.text}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.ERROR, listenErrorText(address, error));
      server.stop();
      return EXIT_FAILURE;
    }
  }
  loop.run();
  return 0;
}

/** Runs the program. Returns the exit code. */
function main(): number {
  let options: Options;
  try {
    options = Options.parse(programArguments().slice(1));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    writeText(STDERR, `mote: ${error.message}\nTry 'mote --help'.\n`);
    return EXIT_USAGE;
  }
  switch (options.task) {
    case Task.HELP:
      writeText(STDOUT, usage());
      return 0;
    case Task.VERSION:
      writeText(STDOUT, `mote ${VERSION}\n`);
      return 0;
    default:
      return serve(options.addresses);
  }
}

exit(main());
