// Ports and a snapshot of which the host thinks otherwise than usual; lifecycle.md 5.3, 5.4 and 8. The usual way:
// ports.test.ts.

import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { enter, guest, leave, listening } from "./network.ts";
import { ask, fakeDrop, prepare } from "./snapshots.ts";
import { Server, Stream } from "./stream.ts";

setDefaultTimeout(hangLimit);

const WAIT_SECONDS = 20;
const PORT = 8000;
/** Seconds after which a preparation behind which no host calls is over. */
const FORGOTTEN = 3;

beforeEach(() => enter());
afterEach(() => leave());

function withServer(body: (daemon: Daemon, isForwarded: () => boolean) => Promise<void>, ...args: readonly string[]): Promise<void> {
  const options = { args: ["--isnotfc", "--forward=on", ...args], setup: `${fakeDrop}; truncate -s 64M /srv/part` };
  return Daemon.with(options, async (daemon) => {
    const server = Server.echo("127.0.0.1", PORT);
    const isForwarded = (): boolean => listening(daemon.pid).includes(`${guest}:${PORT}`);
    try {
      await until("it is forwarded", WAIT_SECONDS, isForwarded);
      await body(daemon, isForwarded);
    } finally {
      server.stop(true);
    }
  });
}

async function expectReached(isForwarded: () => boolean): Promise<void> {
  await until("it is forwarded again", WAIT_SECONDS, isForwarded);
  const client = await Stream.connect(guest, PORT);
  expect(await client.ask("hello")).toBe("hello");
  client.abort();
}

test("L171: /health behind a download that began before the preparation starts no ports; on a new connection it does", () =>
  withServer(async (daemon, isForwarded) => {
    await RawClient.with(daemon.port, async (client) => {
      await client.get("/files?path=/srv/part");
      await client.get("/health");
      expect((await client.head())?.status).toBe(200);
      client.pause();
      await prepare(daemon);
      expect(isForwarded()).toBe(false);
      client.ignore();
      client.resume();
      await until("the file has come, and the answer behind it", 30, () => client.received > 64 * 1024 * 1024 && client.isEnded);
    });
    // Twice the time after which it would have looked.
    await Bun.sleep(2500);
    expect(isForwarded()).toBe(false);
    await RawClient.with(daemon.port, async (client) => expect((await ask(client, "/health")).status).toBe(200));
    await expectReached(isForwarded);
  }));

test("L177: where no host calls the ports come back by themselves, not before their time", () =>
  withServer(async (daemon, isForwarded) => {
    const start = performance.now();
    await prepare(daemon);
    expect(isForwarded()).toBe(false);
    await expectReached(isForwarded);
    expect(performance.now() - start).toBeGreaterThan(FORGOTTEN * 1000);
  }, "--snapshot-timeout", `${FORGOTTEN}`));
