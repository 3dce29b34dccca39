// POST /snapshot/prepare and what follows a restore; envd-http.md 5.5 and 8.6, lifecycle.md 5 and 8.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { ask, dropCaches, fakeDrop, isKeptAlive, longDownload, PART_BYTES, part, prepare, withDaemon } from "./snapshots.ts";

setDefaultTimeout(hangLimit);

test("SNP-01, L170: 204 in time, not to be cached, and the connection ends; the caches are dropped behind the flush", () =>
  withDaemon(async (daemon) => {
    const start = performance.now();
    const response = await prepare(daemon);
    expect(performance.now() - start).toBeLessThan(2500);
    expect(response.status).toBe(204);
    expect(response.get("cache-control")).toBe("no-store");
    expect(response.get("connection")).toBe("close");
    await until("the caches are dropped", 30, () => readFileSync(join(daemon.directory, "drop"), "latin1").startsWith("1"));
    await until("the child is gone", 10, () => proc.children(daemon.pid).length === 0);
  }));

test("SNP-02, L170: an idle connection from before is closed", () =>
  withDaemon(async (daemon) => {
    await RawClient.with(daemon.port, async (client) => {
      expect((await ask(client, "/health")).status).toBe(200);
      await RawClient.with(daemon.port, async (fresh) => {
        await prepare(daemon);
        expect(await client.ending()).toBe("eof");
        expect(await fresh.ending()).toBe("eof");
      });
    });
  }));

test("SNP-03, SNP-04, L172: connections are taken and ended until /health has called, which brings keep-alive back", () =>
  withDaemon(async (daemon) => {
    await prepare(daemon);
    for (let i = 0; i < 3; i++) expect(await isKeptAlive(daemon, "/nope")).toBe(false);
    await RawClient.with(daemon.port, async (client) => {
      const response = await ask(client, "/metrics");
      expect([response.status, response.get("connection")]).toEqual([200, "close"]);
    });
    expect(await isKeptAlive(daemon, "/metrics")).toBe(false);
    await RawClient.with(daemon.port, async (client) => {
      expect((await ask(client, "/health")).get("connection")).toBe(undefined);
      expect((await ask(client, "/nope")).status).toBe(404);
    });
    expect(await isKeptAlive(daemon, "/nope")).toBe(true);
  }));

test("SNP-05, L173: a long exchange from before lasts until the restore, one from after it goes on", () =>
  withDaemon(async (daemon) => {
    const before = await longDownload(daemon);
    await prepare(daemon);
    const between = await longDownload(daemon);
    const upload = await RawClient.connect(daemon.port);
    await upload.send("POST /snapshot/prepare HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\n\r\nx");
    // Not before: what it has not read yet comes still.
    const position = before.received;
    before.resume();
    await until("it gets on", 10, () => before.received > position + 8 * 1024 * 1024);
    before.pause();
    expect(await isKeptAlive(daemon, "/health")).toBe(true);
    before.resume();
    expect(await before.ended()).toBe("reset");
    expect(before.received).toBeLessThan(900 * 1024 * 1024);
    between.resume();
    await until("the other one gets on", 10, () => between.received > 300 * 1024 * 1024);
    await upload.send("x");
    expect((await upload.response("POST")).status).toBe(204);
    for (const client of [before, between, upload]) client.abort();
  }));

test("SNP-06: /init restores as /health does, once it is authorised", () =>
  withDaemon(async (daemon) => {
    const init = async (body: string): Promise<number> => (await daemon.fetch("/init", { method: "POST", body })).status;
    expect(await init('{"accessToken":"secret"}')).toBe(204);
    const before = await longDownload(daemon, "X-Access-Token: secret\r\n");
    await prepare(daemon);
    expect(await init("{}")).toBe(401);
    expect(await isKeptAlive(daemon, "/nope")).toBe(false);
    expect(before.isEnded).toBe(false);
    expect(await init('{"accessToken":"secret"}')).toBe(204);
    expect(await isKeptAlive(daemon, "/nope")).toBe(true);
    before.resume();
    expect(await before.ended()).toBe("reset");
    expect(before.received).toBeLessThan(900 * 1024 * 1024);
  }));

test("SNP-07, SNP-08, L175, L176: prepared twice and asked in parallel, it is restored once", () =>
  withDaemon(async (daemon) => {
    await prepare(daemon);
    await prepare(daemon);
    const clients = await Promise.all([1, 2].map(() => RawClient.connect(daemon.port)));
    for (const client of clients) await client.get("/health");
    for (const client of clients) expect((await client.response()).status).toBe(200);
    // A second restore would have closed the connection of the first.
    for (const client of clients) expect((await ask(client, "/health")).status).toBe(200);
    for (const client of clients) client.abort();
  }));

test("other requests restore nothing, POST /health neither", () =>
  withDaemon(async (daemon) => {
    await prepare(daemon);
    await RawClient.with(daemon.port, async (client) => {
      expect((await ask(client, "/health", "POST")).status).toBe(405);
    });
    expect(await isKeptAlive(daemon, "/files?path=/etc/hosts")).toBe(false);
    expect(await isKeptAlive(daemon, "/health")).toBe(true);
  }));

test("a response that began before the preparation ends its connection after it", () =>
  withDaemon(async (daemon) => {
    await RawClient.with(daemon.port, async (client) => {
      await client.get("/files?path=/srv/part");
      expect((await client.head())?.get("connection")).toBe(undefined);
      client.pause();
      await prepare(daemon);
      client.resume();
      await client.ended();
      expect(client.received).toBeGreaterThan(PART_BYTES);
    });
  }, `${fakeDrop}; ${part}`));

test("SNP-10: where the caches cannot be dropped it is 204 too", () =>
  withDaemon(async (daemon) => {
    expect((await prepare(daemon)).status).toBe(204);
    await until("the child is gone", 30, () => proc.children(daemon.pid).length === 0);
  }, `${fakeDrop}; mount -o remount,bind,ro ${dropCaches}`));

test("L178: the answer does not wait for longer than 1.5 s, and others are served meanwhile", () =>
  withDaemon(async (daemon) => {
    // Opening a FIFO waits for its reader.
    await RawClient.with(daemon.port, async (client) => {
      const start = performance.now();
      await client.send("POST /snapshot/prepare HTTP/1.1\r\nHost: mote\r\nContent-Length: 0\r\n\r\n");
      await until("the child is there", 10, () => proc.children(daemon.pid).length === 1);
      await RawClient.with(daemon.port, async (other) => {
        expect((await ask(other, "/nope")).status).toBe(404);
        expect(await other.ending()).toBe("eof");
        expect(client.received).toBe(0);
      });
      // A host that is back has heard the answer.
      expect(await isKeptAlive(daemon, "/health")).toBe(false);
      expect((await client.response("POST")).status).toBe(204);
      expect(performance.now() - start).toBeGreaterThan(1400);
      expect(await client.ending()).toBe("eof");
    });
    expect((await prepare(daemon)).status).toBe(204);
    expect(proc.children(daemon.pid).length).toBe(1);
    expect(readFileSync(join(daemon.directory, "fifo"), "latin1")).toBe("1");
    await until("the child is gone", 10, () => proc.children(daemon.pid).length === 0);
  }, `mkfifo $DIR/fifo; mount --bind $DIR/fifo ${dropCaches}`));
