/** The agent as one process, for tests and for those who have a supervisor of their own: `--no-supervise`. */
import type { EnvdOptions } from "../envd/options.ts";
import { Temporaries } from "../json/temporaries.ts";
import type { Address } from "../sys/address.ts";
import { SysError } from "../sys/errno.ts";
import { GroupTable } from "../sys/groups.ts";
import { Level, log } from "../sys/log.ts";
import { Loop, Ready } from "../sys/loop.ts";
import { Listener } from "../sys/socket.ts";
import { listenErrorText } from "./listening.ts";
import { Serving } from "./serving.ts";
import { StopSignals } from "./worker.ts";

const EXIT_FAILURE = 1;
const NO_FILE = -1;

/** Serves the addresses until a signal or the end of an inherited connection. Returns the exit code. */
export function runAlone(addresses: Address[], options: EnvdOptions): number {
  const loop = new Loop();
  const serving = new Serving(loop, new GroupTable(NO_FILE, 0), new Temporaries(undefined), options, undefined);
  loop.add(new StopSignals(serving, false), Ready.READABLE);
  for (const address of addresses) {
    try {
      serving.listen(Listener.open(address));
      log(Level.INFO, `listening on ${address.text}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.ERROR, listenErrorText(address, error));
      serving.stop();
      return EXIT_FAILURE;
    }
  }
  loop.run();
  return 0;
}
