// What tests of snapshots share. What drops the page cache is a file of the test's own, so that nothing else on this machine
// becomes slow.

import { expect } from "bun:test";
import { RawClient, type RawResponse } from "../http/raw.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";

export const dropCaches = "/proc/sys/vm/drop_caches";
export const fakeDrop = `echo 0 >$DIR/drop; mount --bind $DIR/drop ${dropCaches}`;
const big = "truncate -s 1G /srv/big";
/** More than fits between a daemon and a client that does not read. */
export const PART_BYTES = 64 * 1024 * 1024;
/** Makes `/srv/part`, which is so large. */
export const part = `truncate -s ${PART_BYTES} /srv/part`;

export function withDaemon(body: (daemon: Daemon) => Promise<void>, setup = fakeDrop, options: DaemonOptions = {}): Promise<void> {
  return Daemon.with({ ...options, setup: `${setup}; ${big}` }, body);
}

export async function ask(client: RawClient, path: string, method = "GET"): Promise<RawResponse> {
  await client.send(`${method} ${path} HTTP/1.1\r\nHost: mote\r\n${method === "POST" ? "Content-Length: 0\r\n" : ""}\r\n`);
  return client.response(method);
}

/** POST /init on a connection. */
export async function init(client: RawClient, body: object): Promise<RawResponse> {
  const text = JSON.stringify(body);
  await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  return client.response();
}

export async function prepare(daemon: Daemon): Promise<RawResponse> {
  return RawClient.with(daemon.port, async (client) => {
    const response = await ask(client, "/snapshot/prepare", "POST");
    expect(await client.ending()).toBe("eof");
    return response;
  });
}

/**
 * A preparation between a download of `/srv/part` and the /health behind it, on one connection; `onPrepared` is called
 * before they go on. When this returns both have been answered.
 */
export function prepareBeforeHealth(daemon: Daemon, onPrepared: () => void = () => {}): Promise<void> {
  return RawClient.with(daemon.port, async (client) => {
    await client.get("/files?path=/srv/part");
    await client.get("/health");
    expect((await client.head())?.status).toBe(200);
    client.pause();
    await prepare(daemon);
    onPrepared();
    client.ignore();
    client.resume();
    await until("the file has come, and the answer behind it", 30, () => client.received > PART_BYTES && client.isEnded);
  });
}

/** Whether a connection of its own serves a second request. */
export async function isKeptAlive(daemon: Daemon, path: string): Promise<boolean> {
  return RawClient.with(daemon.port, async (client) => {
    const response = await ask(client, path);
    if (response.get("connection") !== "close") return (await ask(client, path)).status === response.status;
    expect(await client.ending()).toBe("eof");
    return false;
  });
}

/** A download that does not get on, because nobody reads it. */
export async function longDownload(daemon: Daemon, fields = ""): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port);
  await client.get("/files?path=/srv/big", fields);
  expect((await client.head())?.status).toBe(200);
  client.ignore();
  client.pause();
  return client;
}
