/** mote, the guest agent of a microVM: one entry, from the command line to the loop. */
import { commitAddress } from "#libc";
import { runAlone } from "./init/alone.ts";
import { runBeside } from "./init/beside.ts";
import { InitOptions, runInit } from "./init/init.ts";
import { profileByName, profileOf } from "./init/profile.ts";
import { prepareBesideSignals } from "./init/signals.ts";
import { work } from "./init/worker.ts";
import { Options, Task, usage } from "./options.ts";
import type { Address } from "./sys/address.ts";
import { UsageError } from "./sys/arguments.ts";
import { stringAt } from "./sys/bytes.ts";
import { programArguments } from "./sys/environ.ts";
import { setLogLevel, setLogTarget } from "./sys/log.ts";
import { processId } from "./sys/self.ts";
import { exit, fillStandardDescriptors, writeText } from "./sys/stdio.ts";
import { VERSION } from "./version.ts";

const INIT_PID = 1;
const STDOUT = 1;
const STDERR = 2;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the program. Returns the exit code. */
function main(): number {
  const words = programArguments().slice(1);
  try {
    if (processId() === INIT_PID) init(Options.parse(words, true));
    return perform(Options.parse(words, false));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    writeText(STDERR, `mote: ${error.message}\nTry 'mote --help'.\n`);
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
  runInit(given, () => Options.defaultAddress(true));
}

function perform(options: Options): number {
  if (options.task === Task.HELP) return print(usage());
  if (options.task === Task.VERSION) return print(`mote ${VERSION}\n`);
  if (options.task === Task.COMMIT) return print(`${stringAt(commitAddress())}\n`);
  fillStandardDescriptors();
  prepareBesideSignals();
  setLogLevel(options.logLevel);
  if (options.logTarget !== "" && !setLogTarget(options.logTarget)) {
    writeText(STDERR, `mote: cannot log to ${options.logTarget}\n`);
    return EXIT_FAILURE;
  }
  if (options.task === Task.WORK) return work(options.channel, options.recordFile, options.isInInit, options.idleLimit);
  const addresses = options.addresses;
  if (addresses.length === 0) addresses.push(usualAddress(options));
  return options.isSupervised ? runBeside(addresses, options.idleLimit) : runAlone(addresses, options.idleLimit);
}

/** Where to listen unless told otherwise. Throws UsageError. */
function usualAddress(options: Options): Address {
  const profile = profileByName(options.profile) ?? profileOf(programArguments().at(0) ?? "");
  if (!profile.hasEnvd) return Options.defaultAddress(false);
  throw new UsageError(`profile ${profile.name}: this version does not serve envd's protocol yet; write --listen ADDR`);
}

function print(text: string): number {
  writeText(STDOUT, text);
  return 0;
}

exit(main());
