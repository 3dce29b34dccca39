// Which servers are reached at the guest's address, and until when; lifecycle.md 8. Test and agent are in a network
// namespace of the test's own.

import { expect, test } from "bun:test";
import { wakeUps } from "../proc.ts";
import { until } from "../until.ts";
import { inOwnNetwork, isForwarded, looked, reach, refused, WAIT_SECONDS, withDaemon, withoutNetlink } from "./forwarding.ts";
import { addAddress, enter, guest, leave, listening, shell } from "./network.ts";
import { Server, Stream } from "./stream.ts";

inOwnNetwork();

test("L100, L119: a server on 127.0.0.1 is reached at the guest's address, with an empty /etc/hosts, and sees 127.0.0.1", () =>
  withDaemon(async () => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect((await server.stream(0)).socket?.remoteAddress).toBe("127.0.0.1");
    client.abort();
    server.stop();
  }, { setup: ": >$DIR/hosts" }));

test("L101: a server on ::1 alone is reached by IPv4", () =>
  withDaemon(async () => {
    const server = Server.echo("::1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect((await server.stream(0)).socket?.remoteAddress).toBe("::1");
    client.abort();
    server.stop();
  }));

test.each([["sock_diag", {}], ["/proc", { launcher: withoutNetlink }]] as const)("L102: a server on ::ffff:127.0.0.1 is reached, told of by %s", (_, options) =>
  withDaemon(async (daemon) => {
    const python = Bun.spawn(
      ["python3", "-c", `
import socket
s = socket.socket(socket.AF_INET6); s.bind(("::ffff:127.0.0.1", 8000)); s.listen()
while True: c, _ = s.accept(); c.sendall(c.recv(100)); c.close()`],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    try {
      const client = await reach(8000);
      expect(await client.ask("hello")).toBe("hello");
      expect(isForwarded(daemon, 8000)).toBe(true);
    } finally {
      python.kill("SIGKILL");
      await python.exited;
    }
  }, options));

test("L103: servers on other addresses of loopback, or on a real one, are not forwarded", () =>
  withDaemon(async (daemon) => {
    shell("ip addr add 10.1.2.3/24 dev guest0");
    const servers = [Server.echo("127.0.0.53", 8000), Server.echo("10.1.2.3", 8001)];
    await looked(daemon);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect(isForwarded(daemon, 8001)).toBe(false);
    for (const server of servers) server.stop();
  }));

test("L104: servers on all addresses are reached without the agent", () =>
  withDaemon(async (daemon) => {
    const servers = [Server.echo("0.0.0.0", 8000), Server.echo("::", 8001)];
    await looked(daemon);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect(isForwarded(daemon, 8001)).toBe(false);
    for (const server of servers) {
      const client = await reach(server.port);
      expect(await client.ask("hello")).toBe("hello");
      expect((await server.stream(0)).socket?.remoteAddress).toContain(guest);
      client.abort();
      server.stop();
    }
  }));

test("L105: of two servers on one port that on 127.0.0.1 comes first, and the other one after its end", () =>
  withDaemon(async (daemon) => {
    const first = Server.echo("127.0.0.1", 8000, "four");
    const second = Server.echo("::1", 8000, "six!");
    await looked(daemon);
    expect(listening(daemon.pid).filter((address) => address === `${guest}:8000`)).toHaveLength(1);
    const before = await reach(8000);
    expect(await before.read(4)).toBe("four");
    first.stop();
    // At once: nobody needs to have noticed.
    const at = await Stream.connect(guest, 8000);
    expect(await at.read(4)).toBe("six!");
    await looked(daemon);
    const after = await Stream.connect(guest, 8000);
    expect(await after.read(4)).toBe("six!");
    expect(await before.ask("still there")).toBe("still there");
    for (const client of [before, at, after]) client.abort();
    second.stop();
  }));

test("L106: a server that is started anew between two looks is reached, and what was open to the old one ends", () =>
  withDaemon(async () => {
    Server.echo("127.0.0.1", 8000, "old").stop(true);
    const old = Server.echo("127.0.0.1", 8000, "old");
    const before = await reach(8000);
    expect(await before.read(3)).toBe("old");
    old.stop(true);
    const fresh = Server.echo("127.0.0.1", 8000, "new");
    await before.rest();
    const after = await reach(8000);
    expect(await after.read(3)).toBe("new");
    after.abort();
    fresh.stop();
  }));

test("L107: when a server no longer listens its port is refused, and what is open goes on", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("one")).toBe("one");
    server.stop();
    await refused(daemon, 8000);
    await expect(Stream.connect(guest, 8000)).rejects.toThrow();
    expect(await client.ask("two")).toBe("two");
    // It listens again while that is still open.
    const again = Server.echo("127.0.0.1", 8000);
    const other = await reach(8000);
    expect(await other.ask("three")).toBe("three");
    expect(await client.ask("four")).toBe("four");
    client.abort();
    other.abort();
    again.stop();
    await refused(daemon, 8000);
  }));

test("L108: the guest's address may come later", async () => {
  leave();
  enter(false);
  await withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const before = wakeUps(daemon.pid);
    await until("the agent has looked, and looked again", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 3);
    addAddress();
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
  });
});

test("L109: a port that another process holds is taken over when that one leaves it, and no other port is ever opened", () =>
  withDaemon(async (daemon) => {
    const holder = Server.echo(guest, 8000, "held");
    const server = Server.echo("127.0.0.1", 8000, "own!");
    await looked(daemon);
    const before = await reach(8000);
    expect(await before.read(4)).toBe("held");
    const known = [`127.0.0.1:${daemon.port}`, "127.0.0.1:8000", `${guest}:8000`].sort();
    expect(listening(daemon.pid).sort()).toEqual(known);
    holder.stop(true);
    await until("the agent listens there", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    const after = await reach(8000);
    expect(await after.read(4)).toBe("own!");
    expect(listening(daemon.pid).sort()).toEqual(known);
    after.abort();
    server.stop();
  }));
