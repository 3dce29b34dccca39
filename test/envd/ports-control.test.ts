// When ports are forwarded, and to which address: options, /init, snapshots; lifecycle.md 2 and 8.

import { expect, test } from "bun:test";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import type { Daemon } from "./daemon.ts";
import { check, pour } from "./flow.ts";
import { forwarding, inOwnNetwork, isForwarded, reach, WAIT_SECONDS, withDaemon } from "./forwarding.ts";
import { enter, guest, leave, listening, shell } from "./network.ts";
import { ask, fakeDrop } from "./snapshots.ts";
import { Server, Stream } from "./stream.ts";

inOwnNetwork();

/** The status of a request on a connection of its own, which is made in the test's network. */
function status(daemon: Daemon, path: string, method = "GET"): Promise<number> {
  return RawClient.with(daemon.port, async (client) => (await ask(client, path, method)).status);
}

test("--forward-address is where ports are forwarded to", () => {
  shell("ip addr add 10.1.2.3/24 dev guest0");
  return withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    await until("it listens there", WAIT_SECONDS, () => listening(daemon.pid).includes("10.1.2.3:8000"));
    expect(isForwarded(daemon, 8000)).toBe(false);
    server.stop();
  }, { args: [...forwarding, "--forward-address=10.1.2.3"] });
});

test("without the usual address it is eth0's", async () => {
  leave();
  enter(false);
  shell("ip addr add 10.1.2.3/24 dev guest0; ip link add eth0 type veth peer name peer1; ip addr add 10.2.0.2/24 dev eth0; ip link set eth0 up");
  await withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    await until("it listens there", WAIT_SECONDS, () => listening(daemon.pid).includes("10.2.0.2:8000"));
    server.stop();
  });
});

const choices: [string, string[], boolean][] = [
  ["envd", ["--profile", "e2b", "--no-cgroups"], true],
  ["envd outside a microVM", ["--profile", "e2b", "--isnotfc"], false],
  ["envd that is told not to", ["--profile", "e2b", "--no-cgroups", "--forward=off"], false],
  ["an agent that serves envd's protocol beside another", ["--no-cgroups"], false],
];
test.each(choices)("L118: %s, %j: forwards %p", (_, args, isOn) =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    if (isOn) {
      await until("it forwards", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    } else {
      // Twice the time after which it would have.
      await Bun.sleep(2500);
      expect(isForwarded(daemon, 8000)).toBe(false);
    }
    server.stop();
  }, { args: [...args] }));

test("L120: an /init looks at once, and interrupts nothing", () =>
  withDaemon(async (daemon) => {
    const bytes = 20_000_000;
    const server = Server.listen("127.0.0.1", 8000);
    const client = await reach(8000);
    const inside = await server.stream(0);
    const result = check(inside);
    const pouring = pour(client, bytes);
    while (inside.received < bytes) {
      expect(await status(daemon, "/init", "POST")).toBe(204);
      expect(isForwarded(daemon, 8000)).toBe(true);
    }
    await pouring;
    expect((await inside.rest())[1]).toBe("eof");
    expect(result.isExact).toBe(true);
    client.abort();
    server.stop();
  }));

test("SNP-09: /init with no restore pending leaves a connection as it is", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("one")).toBe("one");
    expect(await status(daemon, "/init", "POST")).toBe(204);
    expect(await client.ask("two")).toBe("two");
    client.abort();
    server.stop();
  }));

test("L170, L172, SNP-04: before a snapshot nothing is forwarded and relays are reset; afterwards they are back", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect(await status(daemon, "/snapshot/prepare", "POST")).toBe(204);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect((await client.rest())[1]).toBe("reset");
    expect((await (await server.stream(0)).rest())[1]).toBe("reset");
    await expect(Stream.connect(guest, 8000)).rejects.toThrow();
    expect(await status(daemon, "/health")).toBe(200);
    const again = await reach(8000);
    expect(await again.ask("hello")).toBe("hello");
    again.abort();
    server.stop();
  }, { setup: fakeDrop }));
