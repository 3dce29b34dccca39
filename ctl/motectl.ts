/** motectl, the host's client of the guest agent: one entry, from the command line to the exit code. */
import { UsageError } from "../sys/arguments.ts";
import { printable } from "../sys/bytes.ts";
import { programArguments } from "../sys/environ.ts";
import { Interrupted } from "../sys/interrupts.ts";
import { exit, fillStandardDescriptors, writeText } from "../sys/stdio.ts";
import { VERSION } from "../version.ts";
import type { Command } from "./command.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failure } from "./failure.ts";
import { Options, Task, USAGE } from "./options.ts";

const STDOUT = 1;
const STDERR = 2;
const EXIT_USAGE = 2;

function complain(text: string): void {
  writeText(STDERR, `motectl: ${printable(text)}\n`);
}

/** Does what was asked. Returns the exit code. */
function perform(command: Command, endpoint: Endpoint): number {
  try {
    return command.perform(endpoint);
  } catch (error) {
    if (error instanceof Interrupted) error.die();
    if (!(error instanceof Failure)) throw error;
    complain(error.message);
    return command.failureCode;
  }
}

/** Runs the program. Returns the exit code. */
function main(): number {
  fillStandardDescriptors();
  let options: Options;
  try {
    options = Options.parse(programArguments());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    writeText(STDERR, "Try 'motectl --help'.\n");
    return EXIT_USAGE;
  }
  const { task, command, endpoint } = options;
  if (task === Task.PERFORM && command !== undefined && endpoint !== undefined) return perform(command, endpoint);
  writeText(STDOUT, task === Task.HELP ? USAGE : `motectl ${VERSION}\n`);
  return 0;
}

exit(main());
