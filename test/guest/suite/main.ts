/**
 * The SmolVM cases from inside a guest: `suite ADDRESS` runs them against the agent at that address and says on
 * standard output how each went, in the manner of the Test Anything Protocol. `suite clock` watches the clock instead.
 */
import { parseAddress } from "../../../sys/address.ts";
import { printable } from "../../../sys/bytes.ts";
import { programArguments } from "../../../sys/environ.ts";
import { SysError } from "../../../sys/errno.ts";
import { exit, writeText } from "../../../sys/stdio.ts";
import type { Case } from "./case.ts";
import { allCases } from "./cases.ts";
import { Failed } from "./check.ts";
import { Client } from "./client.ts";
import { watchClock } from "./clock-watch.ts";

const STDOUT = 1;

/** Why a case failed; empty where it passed. */
function verdict(subject: Case, client: Client): string {
  try {
    subject.body(client);
    // Whatever it was: the agent goes on.
    client.ping();
    return "";
  } catch (error) {
    if (error instanceof SysError) return error.describe();
    if (error instanceof Failed) return error.message;
    throw error;
  }
}

function main(): number {
  if (programArguments().at(1) === "clock") {
    watchClock();
    return 1;
  }
  const client = new Client(parseAddress(programArguments().at(1) ?? "vsock:1:1024"));
  const cases = allCases();
  let number = 0;
  let failures = 0;
  writeText(STDOUT, `TAP version 14\n1..${cases.length}\n`);
  for (const subject of cases) {
    number++;
    const reason = verdict(subject, client);
    if (reason !== "") failures++;
    const line = `ok ${number} - ${subject.name}`;
    writeText(STDOUT, reason === "" ? `${line}\n` : `not ${line} # ${printable(reason)}\n`);
  }
  writeText(STDOUT, `# suite: ${cases.length - failures} passed, ${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}

exit(main());
