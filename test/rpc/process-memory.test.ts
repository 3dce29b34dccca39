// What 500 processes at once leave in memory. The figure is promised for the native binary.

import { expect, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon } from "../envd/daemon.ts";
import { host } from "../host.ts";
import { until } from "../until.ts";
import { followMany } from "./followed.ts";

const kB = 1024;
const processes = 500;

/** Resident memory once it has been the same for a second. */
async function atRest(daemon: Daemon): Promise<number> {
  let last = 0;
  await until("memory no longer changes", 20, async () => {
    const before = last;
    await Bun.sleep(1000); // the second
    last = daemon.memory().rss;
    return last === before;
  });
  return last;
}

if (host.name === "x86_64") {
  test(`at most 256 kB more than idle are resident within 5 s of ${processes} processes with three subscribers each`, () =>
    Daemon.with({}, async (daemon) => {
      const idle = await atRest(daemon);
      const descriptors = daemon.descriptors();
      await followMany(daemon.port, processes);
      await until("the connections are gone", 20, () => daemon.descriptors() <= descriptors);
      let lowest = Number.POSITIVE_INFINITY;
      try {
        await until("memory is given back", 5, () => {
          lowest = Math.min(lowest, daemon.memory().rss);
          return lowest <= idle + 256 * kB;
        });
      } finally {
        console.log(`resident: ${idle / kB} kB idle, ${lowest / kB} kB after ${processes} processes`);
      }
      expect(lowest).toBeLessThanOrEqual(idle + 256 * kB);
    }), hangLimit * 2);
}
