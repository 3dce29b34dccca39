// How many connections and ports are forwarded at once, and what becomes of the others; lifecycle.md 8.

import { expect, test } from "bun:test";
import { wakeUps } from "../proc.ts";
import { until } from "../until.ts";
import { inOwnNetwork, looked, reach, WAIT_SECONDS, withDaemon } from "./forwarding.ts";
import { guest, listening } from "./network.ts";
import { Server, Stream } from "./stream.ts";

inOwnNetwork();

test("L113: of 300 connections to a port 256 are served at once, the others later, and none is refused", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const clients = [await reach(8000)];
    while (clients.length < 300) clients.push(await Stream.connect(guest, 8000));
    let served = 0;
    const answers = clients.map(async (client) => {
      expect(await client.ask("x")).toBe("x");
      served++;
    });
    await until("256 are served", WAIT_SECONDS, () => served === 256);
    await looked(daemon);
    expect(served).toBe(256);
    expect(server.streams).toHaveLength(256);
    for (const client of clients) if (client.received > 0) client.abort();
    await Promise.all(answers);
    expect(served).toBe(300);
    for (const client of clients) client.abort();
    server.stop();
  }));

test("1,024 connections are served at once in all, the others later", () =>
  withDaemon(async (daemon) => {
    const servers = Array.from({ length: 5 }, (_, index) => Server.echo("127.0.0.1", 8000 + index));
    const clients: Stream[] = [];
    for (const server of servers) {
      clients.push(await reach(server.port));
      while (clients.length % 225 !== 0) clients.push(await Stream.connect(guest, server.port));
    }
    let served = 0;
    const answers = clients.map(async (client) => {
      expect(await client.ask("x")).toBe("x");
      served++;
    });
    await until("1,024 are served", WAIT_SECONDS, () => served === 1024);
    const before = wakeUps(daemon.pid);
    await until("it has gone on meanwhile", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 2);
    expect(servers.reduce((sum, server) => sum + server.streams.length, 0)).toBe(1024);
    for (const client of clients) if (client.received > 0) client.abort();
    await Promise.all(answers);
    expect(served).toBe(1125);
    for (const client of clients) client.abort();
    for (const server of servers) server.stop();
  }));

test("1,024 ports are forwarded at most, the lowest, and a line says so", () =>
  withDaemon(async (daemon) => {
    const first = 2000;
    const servers = Array.from({ length: 1030 }, (_, index) => first + index).reverse().map((port) => Server.echo("127.0.0.1", port));
    const ours = (): number[] =>
      listening(daemon.pid).filter((at) => at.startsWith(guest)).map((at) => Number(at.split(":")[1])).sort((a, b) => a - b);
    const range = (from: number): number[] => Array.from({ length: 1024 }, (_, index) => from + index);
    await until("1,024 are forwarded", WAIT_SECONDS, () => ours().length === 1024);
    expect(ours()).toEqual(range(first));
    const client = await reach(first + 1023);
    expect(await client.ask("hello")).toBe("hello");
    // The lowest ones end, and others take their place.
    for (const server of servers.slice(-6)) server.stop();
    await until("the next are forwarded", WAIT_SECONDS, () => ours().join() === range(first + 6).join());
    expect(await client.ask("still there")).toBe("still there");
    expect(daemon.stderr.split("only 1024 ports").length - 1).toBe(1);
    client.abort();
    for (const server of servers) server.stop(true);
  }));

test("L121: out of descriptors, it leaves clients in the backlog without spinning, and goes on when there are some again", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const clients = [await reach(8000)];
    const complaints = (): number => daemon.stderr.split("cannot accept").length - 1;
    let served = 0;
    const ask = (client: Stream): void => {
      void client.ask("x").then(() => served++, () => {});
    };
    for (const client of clients) ask(client);
    while (clients.length < 100) {
      const client = await Stream.connect(guest, 8000);
      clients.push(client);
      ask(client);
    }
    await until("it cannot accept", WAIT_SECONDS, () => complaints() > 0);
    const start = performance.now();
    const first = complaints();
    await until("it has tried again five times", WAIT_SECONDS, () => complaints() >= first + 5);
    expect(performance.now() - start).toBeGreaterThan(400);
    expect(served).toBeLessThan(100);
    // Who has been served makes room.
    const done = new Set<Stream>();
    await until("all have been served, or were taken when nothing was left", 60, () => {
      for (const client of clients) {
        if (client.received === 0 || done.has(client)) continue;
        done.add(client);
        client.abort();
      }
      return served >= 99;
    });
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
  }, { launcher: ["prlimit", "--nofile=100:100"] }));
