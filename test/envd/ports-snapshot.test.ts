// Ports and a snapshot of which the host thinks otherwise than usual; lifecycle.md 5.3, 5.4 and 8. The usual way:
// ports-control.test.ts.

import { expect, test } from "bun:test";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import type { Daemon } from "./daemon.ts";
import { forwarding, inOwnNetwork, isForwarded, reach, WAIT_SECONDS, withDaemon } from "./forwarding.ts";
import { ask, fakeDrop, part, prepare, prepareBeforeHealth } from "./snapshots.ts";
import { Server } from "./stream.ts";

const PORT = 8000;
/** Seconds after which a preparation behind which no host calls is over. */
const FORGOTTEN = 3;

inOwnNetwork();

function withServer(body: (daemon: Daemon) => Promise<void>, ...args: readonly string[]): Promise<void> {
  const options = { args: [...forwarding, ...args], setup: `${fakeDrop}; ${part}` };
  return withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", PORT);
    try {
      await until("it is forwarded", WAIT_SECONDS, () => isForwarded(daemon, PORT));
      await body(daemon);
    } finally {
      server.stop(true);
    }
  }, options);
}

async function expectReached(): Promise<void> {
  const client = await reach(PORT);
  expect(await client.ask("hello")).toBe("hello");
  client.abort();
}

test("L171: /health behind a download that began before the preparation starts no ports; on a new connection it does", () =>
  withServer(async (daemon) => {
    await prepareBeforeHealth(daemon, () => expect(isForwarded(daemon, PORT)).toBe(false));
    // Twice the time after which it would have looked.
    await Bun.sleep(2500);
    expect(isForwarded(daemon, PORT)).toBe(false);
    await RawClient.with(daemon.port, async (client) => expect((await ask(client, "/health")).status).toBe(200));
    await expectReached();
  }));

test("L177: where no host calls the ports come back by themselves, not before their time", () =>
  withServer(async (daemon) => {
    const start = performance.now();
    await prepare(daemon);
    expect(isForwarded(daemon, PORT)).toBe(false);
    await expectReached();
    expect(performance.now() - start).toBeGreaterThan(FORGOTTEN * 1000);
  }, "--snapshot-timeout", `${FORGOTTEN}`));
