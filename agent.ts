/** mote, the guest agent of a microVM: one entry, from the command line to the loop. */
import { commitAddress } from "#libc";
import { ENVD_VERSION } from "./envd/version.ts";
import { runAlone } from "./init/alone.ts";
import { runBeside } from "./init/beside.ts";
import { runInit } from "./init/init.ts";
import { InitOptions } from "./init/options.ts";
import { prepareBesideSignals } from "./init/signals.ts";
import { work } from "./init/worker.ts";
import { Options, Task } from "./options.ts";
import { UsageError } from "./sys/arguments.ts";
import { stringAt } from "./sys/bytes.ts";
import { programArguments } from "./sys/environ.ts";
import { setLogLevel, setLogTarget } from "./sys/log.ts";
import { processId } from "./sys/self.ts";
import { exit, fillStandardDescriptors, writeText } from "./sys/stdio.ts";
import { envdUsage, usage } from "./usage.ts";
import { VERSION } from "./version.ts";

const INIT_PID = 1;
const STDOUT = 1;
const STDERR = 2;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the program. Returns the exit code. */
function main(): number {
  const given = programArguments();
  try {
    if (processId() === INIT_PID) init(Options.of(given, true));
    return perform(Options.of(given, false));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const isEnvd = Options.isEnvd(given);
    writeText(STDERR, isEnvd ? `envd: ${error.message}\n\n${envdUsage()}` : `mote: ${error.message}\nTry 'mote --help'.\n`);
    return EXIT_USAGE;
  }
}

/** Never returns. */
function init(options: Options): void {
  const given = new InitOptions();
  given.profile = options.profile;
  given.logLevel = options.logLevel;
  given.logTarget = options.logTarget;
  given.addresses = options.addresses;
  given.resume = options.resume;
  given.complaints = options.complaints;
  given.envd = options.envd;
  runInit(given, (isEnvd) => Options.defaultAddress(isEnvd, true));
}

function perform(options: Options): number {
  if (options.task === Task.HELP) return print(options.isEnvd ? envdUsage() : usage());
  if (options.task === Task.VERSION) return print(options.isEnvd ? `${ENVD_VERSION}\n` : `mote ${VERSION}\n`);
  if (options.task === Task.COMMIT) return print(`${stringAt(commitAddress())}\n`);
  fillStandardDescriptors();
  prepareBesideSignals();
  setLogLevel(options.logLevel);
  if (options.logTarget !== "" && !setLogTarget(options.logTarget)) {
    writeText(STDERR, `mote: cannot log to ${options.logTarget}\n`);
    return EXIT_FAILURE;
  }
  if (options.task === Task.WORK) return work(options.channel, options.recordFile, options.isInInit, options.envd);
  options.envd.chooseMmds("auto", options.isEnvd);
  options.envd.chooseForward("auto", options.isEnvd);
  const addresses = options.addresses;
  if (addresses.length === 0) addresses.push(Options.defaultAddress(options.isEnvd, false));
  return options.isSupervised ? runBeside(addresses, options.logTarget, options.envd) : runAlone(addresses, options.envd);
}

function print(text: string): number {
  writeText(STDOUT, text);
  return 0;
}

exit(main());
