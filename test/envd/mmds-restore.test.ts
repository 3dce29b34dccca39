// What the metadata service says of a restore; lifecycle.md 5.3 and 5.4.

import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import type { Daemon } from "./daemon.ts";
import { asking, ids, known } from "./mmds-asking.ts";
import { MetadataService } from "./mmds-service.ts";
import { fakeDrop, init, isKeptAlive, longDownload, prepare } from "./snapshots.ts";

setDefaultTimeout(hangLimit);

const setup = `${fakeDrop}; truncate -s 1G /srv/big`;

function withDownload(service: MetadataService, body: (daemon: Daemon, download: RawClient) => Promise<void>, args: string[] = []): Promise<void> {
  return asking(service, async (daemon) => {
    await known(daemon, ids.instanceID);
    const download = await longDownload(daemon);
    try {
      await body(daemon, download);
    } finally {
      download.abort();
    }
  }, { setup, args: [...service.args, ...args] });
}

async function expectOpen(download: RawClient): Promise<void> {
  const { received } = download;
  download.resume();
  await until("it gets on", 10, () => download.received > received + 8 * 1024 * 1024);
}

test("another instance behind an /init is another machine: what was connected before is reset", () =>
  MetadataService.with(ids, (service) =>
    withDownload(service, async (daemon, download) => {
      service.store = { ...ids, instanceID: "another" };
      // On a connection of its own: those before it are what is reset.
      expect((await RawClient.with(daemon.port, (client) => init(client, {}))).status).toBe(204);
      download.resume();
      expect(await download.ended()).toBe("reset");
      await known(daemon, "another");
      expect(await isKeptAlive(daemon, "/nope")).toBe(true);
    })));

test("the same instance is not", () =>
  MetadataService.with(ids, (service) =>
    withDownload(service, async (daemon, download) => {
      const asked = service.connections.length;
      expect((await daemon.init({})).status).toBe(204);
      await until("it has asked again", 20, () => service.connections.length > asked && service.connections.every(({ isClosed }) => isClosed));
      await expectOpen(download);
    })));

const soon = ["--snapshot-timeout", "2"];

test("a token of the preparation's that is refused, where no host has called: what was connected before is reset", () =>
  MetadataService.with(ids, (service) =>
    withDownload(service, async (daemon, download) => {
      await prepare(daemon);
      await until("it has its token", 10, () => service.requests.some((request) => request.includes("21600")));
      await until("nothing is open", 10, () => service.connections.every(({ isClosed }) => isClosed));
      service.forgetTokens();
      await until("keep-alive is back", 30, () => isKeptAlive(daemon, "/nope"));
      download.resume();
      expect(await download.ended()).toBe("reset");
    }, soon)));

test("one that is good still: what was open goes on", () =>
  MetadataService.with(ids, (service) =>
    withDownload(service, async (daemon, download) => {
      await prepare(daemon);
      const asked = (): number => service.requests.filter((request) => request.startsWith("GET")).length;
      await until("it has its token", 10, () => service.requests.some((request) => request.includes("21600")));
      const before = asked();
      await until("keep-alive is back", 30, () => isKeptAlive(daemon, "/nope"));
      await until("it has asked by the token", 10, () => asked() > before);
      await expectOpen(download);
    }, soon)));
