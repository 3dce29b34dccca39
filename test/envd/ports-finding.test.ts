// How the agent finds what listens: its own listeners, kernels without sock_diag or IPv6, what it reads; lifecycle.md 8.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { freePort } from "../port.ts";
import { bytesRead, wakeUps } from "../proc.ts";
import { until } from "../until.ts";
import { forwarding, inOwnNetwork, isForwarded, looked, reach, refused, WAIT_SECONDS, withDaemon, withoutNetlink } from "./forwarding.ts";
import { guest, listening, shell } from "./network.ts";
import { Server, Stream } from "./stream.ts";

inOwnNetwork();

test.each([false, true])("L114: what the agent listens on itself is not forwarded (supervised: %p)", (isSupervised) => {
  const port = freePort();
  return withDaemon(async (daemon) => {
    await looked(daemon);
    const known = [`127.0.0.1:${daemon.port}`, `127.0.0.1:${port}`].sort();
    expect(listening(daemon.pid).sort()).toEqual(known);
  }, { args: [...forwarding, "--listen", `tcp:127.0.0.1:${port}`], isSupervised });
});

// /proc/net/tcp6 is not there for the agent, whose pid this shell has.
const withoutV6 = "mkdir $DIR/net; touch $DIR/net/tcp; mount --bind /proc/$$/net/tcp $DIR/net/tcp; mount --rbind $DIR/net /proc/$$/net";

test("L115: without IPv6 servers on 127.0.0.1 are reached", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
    await refused(daemon, 8000);
  }, { setup: withoutV6, launcher: withoutNetlink }));

test("what cannot be looked at stays as it was", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    // Without a connection, whose descriptors would be free again a moment later.
    await until("it is forwarded", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    // Whether there is IPv6 by now cannot be asked without a descriptor.
    const open = readdirSync(`/proc/${daemon.pid}/fd`).map(Number);
    const free = Array.from({ length: open.length + 1 }, (_, fd) => fd).find((fd) => !open.includes(fd));
    shell(`prlimit --pid ${daemon.pid} --nofile=${free}:`);
    server.stop();
    const before = wakeUps(daemon.pid);
    await until("the agent has tried to look, and tried again", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 3);
    expect(isForwarded(daemon, 8000)).toBe(true);
    shell(`prlimit --pid ${daemon.pid} --nofile=1000:`);
    await refused(daemon, 8000);
  }, { setup: withoutV6, launcher: withoutNetlink }));

test("L116: established connections are not read through", () =>
  withDaemon(async (daemon) => {
    const server = Server.listen("127.0.0.2", 0);
    const clients: Stream[] = [];
    while (clients.length < 1000) clients.push(await Stream.connect("127.0.0.2", server.port));
    await looked(daemon);
    const before = bytesRead(daemon.pid);
    await looked(daemon);
    // 2,000 lines of 150 bytes would be read each time.
    expect(bytesRead(daemon.pid) - before).toBeLessThan(150_000);
    for (const client of clients) client.abort();
    server.stop(true);
  }, { launcher: withoutNetlink }));

test("L100 to L103, where the kernel tells of sockets in /proc alone", () =>
  withDaemon(async (daemon) => {
    const servers = [Server.echo("127.0.0.1", 8000, "four"), Server.echo("::1", 8001, "six!"), Server.echo("127.0.0.53", 8002)];
    for (const server of servers.slice(0, 2)) {
      const client = await reach(server.port);
      expect(await client.read(4)).toBe(server.port === 8000 ? "four" : "six!");
      client.abort();
    }
    await looked(daemon);
    const ours = listening(daemon.pid).filter((address) => address.startsWith(guest)).sort();
    expect(ours).toEqual([`${guest}:8000`, `${guest}:8001`]);
    for (const server of servers) server.stop();
    for (const server of servers) await refused(daemon, server.port);
  }, { launcher: withoutNetlink }));
