// A token that is kept across a snapshot: another hypervisor does not know it; lifecycle.md 5.3. The client as a unit, on a loop
// that is turned by hand, because the service is in the same process.

import { expect, test } from "bun:test";
import { Environment } from "../../envd/environment.ts";
import { Metadata } from "../../envd/metadata.ts";
import { parseAddress } from "../../sys/address.ts";
import { ExitWatcher } from "../../sys/exit.ts";
import { Loop } from "../../sys/loop.ts";
import { Timer } from "../../sys/timer.ts";
import { freePort } from "../port.ts";
import { until } from "../until.ts";
import { answer, MetadataService } from "./mmds-service.ts";

/** Turns a loop until what was asked for has come. */
async function turned<T>(loop: Loop, ask: (onDone: (value: T) => void) => void): Promise<T> {
  const values: T[] = [];
  ask((value) => values.push(value));
  const tick = new Timer(() => {});
  await until("it has come", 20, () => {
    loop.timers.start(tick, 1);
    loop.turn();
    return values.length > 0;
  });
  loop.timers.cancel(tick);
  expect(values.length).toBe(1);
  return values[0] as T;
}

async function asked(port: number | undefined, body: (metadata: Metadata, loop: Loop) => Promise<void>): Promise<void> {
  const loop = new Loop();
  const address = port === undefined ? undefined : parseAddress(`tcp:127.0.0.1:${port}`);
  await body(new Metadata(loop, new ExitWatcher(loop), new Environment(), address), loop);
}

const fetched = (metadata: Metadata, loop: Loop, limit = 5000): Promise<string> =>
  turned<string>(loop, (onDone) => metadata.fetchToken(21_600, limit, onDone));
const isDead = (metadata: Metadata, loop: Loop, token: string): Promise<boolean> =>
  turned<boolean>(loop, (onDone) => metadata.check(token, onDone));

test("a token is good until another hypervisor is there", () =>
  MetadataService.with({ instanceID: "i", envID: "t" }, (service) =>
    asked(service.port, async (metadata, loop) => {
      const token = await fetched(metadata, loop);
      expect(token.length).toBe(48);
      expect(service.requests).toEqual([
        "PUT /latest/api/token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-metadata-token-ttl-seconds: 21600\r\n\r\n",
      ]);
      expect(await isDead(metadata, loop, token)).toBe(false);
      service.forgetTokens();
      expect(await isDead(metadata, loop, token)).toBe(true);
      // No other token was asked for.
      expect(service.requests.map((request) => request.slice(0, 3))).toEqual(["PUT", "GET", "GET"]);
    })));

test("a service of version 1 says nothing of it", () =>
  MetadataService.with({}, (service) =>
    asked(service.port, async (metadata, loop) => {
      service.isV1 = true;
      expect(await fetched(metadata, loop)).toBe("");
      expect(await isDead(metadata, loop, "token")).toBe(false);
    })));

test("nor does one that is not there, one that says nothing, or none", async () => {
  await asked(freePort(), async (metadata, loop) => {
    expect([await fetched(metadata, loop), await isDead(metadata, loop, "token")]).toEqual(["", false]);
  });
  await MetadataService.with({}, (service) => {
    service.reply = () => "silence";
    return asked(service.port, async (metadata, loop) => {
      expect([await fetched(metadata, loop, 100), await isDead(metadata, loop, "token")]).toEqual(["", false]);
    });
  });
  await asked(undefined, async (metadata, loop) => {
    expect([await fetched(metadata, loop), await isDead(metadata, loop, "token")]).toEqual(["", false]);
  });
});

test("what is no token is none", () =>
  MetadataService.with({}, (service) => {
    service.reply = () => answer(200, "a\r\nX: y");
    return asked(service.port, async (metadata, loop) => expect(await fetched(metadata, loop)).toBe(""));
  }));

test("cancel closes the poller's socket, and start begins anew", () =>
  MetadataService.with({}, (service) =>
    asked(service.port, async (metadata, loop) => {
      service.reply = (request) => (request.startsWith("GET") ? "silence" : "usual");
      await turned<boolean>(loop, (onDone) => {
        metadata.start(60_000);
        const timer = new Timer(() => (service.requests.length > 1 ? onDone(true) : loop.timers.start(timer, 1)));
        loop.timers.start(timer, 1);
      });
      metadata.cancel();
      await until("it is closed", 20, () => service.connections.every(({ isClosed }) => isClosed));
      expect(loop.timers.wait()).toBe(-1);
      metadata.start(60_000);
      expect(loop.timers.wait()).toBeGreaterThan(0);
      metadata.cancel();
      expect(loop.timers.wait()).toBe(-1);
    })));
