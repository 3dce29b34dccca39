// Many connections, and what each may take: the limit on their number, their memory, the idle limit; envd-http.md 2.1.

import { expect, setDefaultTimeout, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

const MB = 1024 * 1024;
/** Half of the descriptors are for connections of this protocol. */
const few = 32;

/** Connections that are busy: each of their requests lacks its body. */
async function busyClients(daemon: Daemon, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await RawClient.connect(daemon.port);
    await client.send("POST /snapshot/prepare HTTP/1.1\r\nHost: mote\r\nContent-Length: 1\r\n\r\n");
    clients.push(client);
  }
  return clients;
}

/** Runs `body` with an agent that holds few connections. */
function withFew(body: (daemon: Daemon) => Promise<void>): Promise<void> {
  return Daemon.with({ setup: `ulimit -n ${few * 2}` }, body);
}

async function isHealthy(client: RawClient): Promise<boolean> {
  await client.get("/health");
  return (await client.response()).status === 200;
}

test("the last place is for whoever comes, one after the other", () =>
  withFew(async (daemon) => {
    const busy = await busyClients(daemon, few - 1);
    for (let i = 0; i < 5; i++) expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
    for (const client of busy) client.abort();
  }));

test("where every connection is busy, the next one waits until one ends", () =>
  withFew(async (daemon) => {
    const busy = await busyClients(daemon, few);
    await RawClient.with(daemon.port, async (client) => {
      await client.get("/health");
      // Others still get on, but for it there is no place.
      expect(client.received).toBe(0);
      busy[0]?.abort();
      expect((await client.response()).status).toBe(200);
    });
    for (const client of busy) client.abort();
  }));

test("a connection that has been kept alive makes room for one that waits", () =>
  withFew(async (daemon) => {
    const busy = await busyClients(daemon, few);
    await RawClient.with(daemon.port, async (client) => {
      await client.get("/health");
      // It is answered, and could ask again.
      await busy[0]?.send("x");
      expect((await busy[0]?.response())?.status).toBe(204);
      expect((await client.response()).status).toBe(200);
    });
    for (const client of busy) client.abort();
  }));

test("the oldest connection without a request makes room, also one that has begun to send", () =>
  withFew(async (daemon) => {
    const slow = await Promise.all(Array.from({ length: few - 1 }, () => RawClient.connect(daemon.port)));
    for (const client of slow) await client.send("G");
    for (let i = 0; i < 5; i++) expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
    const busy = await busyClients(daemon, few - 1);
    await until("the slow ones are closed", 10, () => slow.every((client) => client.isEnded));
    expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
    for (const client of [...slow, ...busy]) client.abort();
  }));

// Only natively does memory tell what is held: elsewhere it is the collector's, or the emulator's.
if (host.name === "x86_64") test("a connection that waits holds nothing of the head that came in pieces", () =>
  Daemon.with({}, async (daemon) => {
    const before = daemon.memory().rss;
    const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(daemon.port)));
    for (const client of clients) {
      await client.send(`GET /health HTTP/1.1\r\nHost: mote\r\nX: ${"x".repeat(15_000)}`);
      await client.send("\r\n\r\n");
      await client.response();
    }
    expect(daemon.memory().rss - before).toBeLessThan(1 * MB);
    for (const client of clients) client.abort();
  }));

test("large heads take bounded memory together, and leave others alone", () =>
  Daemon.with({}, async (daemon) => {
    const before = daemon.memory().rss;
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(daemon.port)));
    const part = `GET /health HTTP/1.1\r\nHost: mote\r\nX: ${"x".repeat(900_000)}`;
    await Promise.all(clients.map((client) => client.send(part)));
    const refused = clients.slice();
    let held = 0;
    await until("all but some are refused", 30, () => {
      held = refused.filter((client) => client.received === 0).length;
      return held <= 16;
    });
    expect(held).toBe(16);
    if (host.name !== "bun") expect(daemon.memory().rss - before).toBeLessThan(40 * MB);
    expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
    for (const client of clients) {
      if (client.received > 0) expect((await client.response()).status).toBe(503);
      else {
        await client.send("\r\n\r\n");
        expect((await client.response()).status).toBe(200);
      }
    }
    for (const client of clients) client.abort();
    await RawClient.with(daemon.port, async (client) => {
      await client.send(part);
      await client.send("\r\n\r\n");
      expect((await client.response()).status).toBe(200);
    });
  }));

test("PRO-06: a reader that stops is dropped at the idle limit, its file closed; memory does not grow", () =>
  Daemon.with({ args: ["--isnotfc", "--idle-timeout", "2"], setup: "dd if=/dev/urandom of=/srv/big bs=1M count=64 status=none; truncate -s 1G /srv/big" }, async (daemon) => {
    const descriptors = daemon.descriptors();
    const before = daemon.memory().rss;
    const busy = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(daemon.port)));
    for (const [index, client] of busy.entries()) {
      client.pause();
      await client.get("/files?path=/srv/big", index % 4 === 0 ? "Accept-Encoding: gzip\r\n" : "");
    }
    await until("the downloads have begun", 10, () => daemon.descriptors() === descriptors + 2 * busy.length);
    // Five compress: for each of them there is a window, and a buffer that waits.
    if (host.name !== "bun") expect(daemon.memory().rss - before).toBeLessThan((host.name === "x86_64" ? 4 : 40) * MB);
    await until("their connections and files are closed", 20, () => daemon.descriptors() === descriptors);
    for (const client of busy) client.resume();
    for (const client of busy) expect(["eof", "reset"]).toContain(await client.ended());
    for (const client of busy) expect(client.received).toBeLessThan(64 * MB);
    expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
  }));

test("so many downloads are compressed at once; then a file goes as it is, or is refused to those who will not have it so", () =>
  Daemon.with({ setup: "dd if=/dev/urandom of=/srv/big bs=1M count=32 status=none" }, async (daemon) => {
    const descriptors = daemon.descriptors();
    const busy = await Promise.all(Array.from({ length: 64 }, () => RawClient.connect(daemon.port)));
    for (const client of busy) {
      client.pause();
      await client.get("/files?path=/srv/big", "Accept-Encoding: gzip, identity;q=0\r\n");
    }
    await until("the downloads have begun", 20, () => daemon.descriptors() === descriptors + 2 * busy.length);
    const coding = (accepted: string): Promise<(number | string | undefined)[]> =>
      RawClient.with(daemon.port, async (client) => {
        await client.get("/files?path=/etc/hosts", `Accept-Encoding: ${accepted}\r\n`);
        const response = await client.response();
        return [response.status, response.get("content-encoding")];
      });
    expect(await coding("gzip")).toEqual([200, undefined]);
    expect(await coding("gzip, identity;q=0")).toEqual([503, undefined]);
    for (const client of busy) client.abort();
    await until("their connections and files are closed", 20, () => daemon.descriptors() === descriptors);
    expect(await coding("gzip, identity;q=0")).toEqual([200, "gzip"]);
  }));

test("so many uploads are decompressed at once; further ones are refused", () =>
  Daemon.with({}, async (daemon) => {
    const descriptors = daemon.descriptors();
    const body = gzipSync(noise(300_000));
    const headers = { "Content-Type": "application/octet-stream", "Content-Encoding": "gzip", "Content-Length": `${body.length}` };
    const begin = async (path: string, bytes: Buffer): Promise<RawClient> => {
      const client = await RawClient.connect(daemon.port);
      await client.send(requestBytes("POST", `/files?path=${path}`, { headers, body: bytes }));
      return client;
    };
    const busy: RawClient[] = [];
    for (let i = 0; i < 256; i++) busy.push(await begin("/srv/busy", body.subarray(0, 100_000)));
    await until("the uploads have begun", 20, () => daemon.descriptors() === descriptors + 2 * busy.length);
    const refused = await begin("/srv/one", body);
    expect((await refused.response()).status).toBe(503);
    refused.abort();
    for (const client of busy) client.abort();
    await until("their connections and files are closed", 20, () => daemon.descriptors() === descriptors);
    const stored = await begin("/srv/one", body);
    expect((await stored.response()).status).toBe(200);
    stored.abort();
    expect(daemon.read("/srv/one").equals(noise(300_000))).toBe(true);
  }));

test("the idle limit holds under a supervisor, and between requests", () =>
  Daemon.with({ args: ["--isnotfc", "--idle-timeout", "1"], isSupervised: true }, async (daemon) => {
    await RawClient.with(daemon.port, async (client) => {
      expect(await isHealthy(client)).toBe(true);
      expect(await client.ending()).toBe("eof");
    });
  }));

test("PRO-07: 500 connections without data leave others alone", () =>
  Daemon.with({}, async (daemon) => {
    const idle = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(daemon.port)));
    for (let i = 0; i < 20; i++) expect(await RawClient.with(daemon.port, isHealthy)).toBe(true);
    expect(idle.some((client) => client.isEnded)).toBe(false);
    for (const client of idle) client.abort();
  }));
