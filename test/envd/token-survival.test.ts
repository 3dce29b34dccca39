// The access token and the end of a worker; lifecycle.md 1.13.

import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { AccessToken } from "../../envd/access-token.ts";
import { State } from "../../json/state.ts";
import { JsonValue } from "../../json/value.ts";
import { createRecordFile, STATE_MAX, StateRecord } from "../../sys/record.ts";
import type { Daemon } from "./daemon.ts";
import { sign, TOKEN } from "./signature.ts";
import { damageRecord, killWorker, readRecord, supervised } from "./workers.ts";

setDefaultTimeout(hangLimit);

const setup = "echo content >/srv/file";

async function status(daemon: Daemon, path: string, token?: string): Promise<number> {
  const response = await daemon.fetch(path, { headers: token === undefined ? {} : { "x-access-token": token } });
  await response.arrayBuffer();
  return response.status;
}

function signed(token: string): string {
  return `/files?path=/srv/file&username=root&signature=${encodeURIComponent(sign("/srv/file", "read", "root", undefined, token))}`;
}

test("L081: the token is asked for by the next worker too, and by the one after it", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    for (let round = 0; round < 2; round++) {
      await killWorker(daemon);
      expect([await status(daemon, "/metrics"), await status(daemon, "/metrics", "other"), await status(daemon, "/metrics", TOKEN)]).toEqual([401, 401, 200]);
      expect((await daemon.init({ accessToken: "other" })).status).toBe(401);
      expect((await daemon.init({})).status).toBe(401);
    }
  }));

test("URLs signed by the token are those of the next worker too, and no others", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    for (let round = 0; round < 3; round++) {
      expect([await status(daemon, signed(TOKEN)), await status(daemon, signed("")), await status(daemon, signed("other"))]).toEqual([200, 401, 401]);
      await killWorker(daemon);
    }
  }, { setup }));

test("a token that is too long to be left is still asked for, and nobody signs by it until the next set-up", () =>
  supervised(async (daemon) => {
    const long = "t".repeat(4093);
    for (const [token, after] of [[long.slice(1), 200], [long, 401]] as const) {
      if (token === long) damageRecord(daemon);
      if (token === long) await killWorker(daemon);
      expect((await daemon.init({ accessToken: token })).status).toBe(204);
      expect(await status(daemon, signed(token))).toBe(200);
      await killWorker(daemon);
      expect([await status(daemon, signed("")), await status(daemon, signed(token))]).toEqual([401, after]);
      expect([await status(daemon, "/metrics"), await status(daemon, "/metrics", token)]).toEqual([401, 200]);
      expect((await daemon.init({ accessToken: token })).status).toBe(204);
      expect([await status(daemon, signed("")), await status(daemon, signed(token))]).toEqual([401, 200]);
    }
  }, { setup }));

test("no token is asked for by the next worker where none was set", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({})).status).toBe(204);
    expect(await status(daemon, "/metrics")).toBe(200);
    await killWorker(daemon);
    expect(await status(daemon, "/metrics")).toBe(200);
  }));

test("L082: a damaged record lets nobody in, until the guest is set up anew", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    expect(readRecord(daemon).includes(TOKEN)).toBe(true);
    damageRecord(daemon);
    for (let round = 0; round < 2; round++) {
      await killWorker(daemon);
      expect([await status(daemon, "/health"), await status(daemon, "/metrics"), await status(daemon, "/metrics", TOKEN)]).toEqual([200, 401, 401]);
      expect([await status(daemon, "/files?path=/srv/file"), await status(daemon, signed(TOKEN)), await status(daemon, signed(""))]).toEqual([401, 401, 401]);
      expect(readRecord(daemon).includes(TOKEN)).toBe(false);
    }
    expect((await daemon.init({ accessToken: "new" })).status).toBe(204);
    expect([await status(daemon, "/metrics"), await status(daemon, "/metrics", "new"), await status(daemon, signed("new"))]).toEqual([401, 200, 200]);
  }, { setup }));

test("where there is no room left the token is what is kept", () => {
  const file = createRecordFile();
  const state = new State(new StateRecord(file));
  expect(state.set("full", JsonValue.string("x".repeat(STATE_MAX - '{"full":""}'.length)))).toBe(true);
  new AccessToken(state).replace(Buffer.from(TOKEN));
  const token = new AccessToken(new State(new StateRecord(file)));
  expect([token.isSet, token.isNeeded, token.matches(Buffer.from(TOKEN)), Buffer.from(token.bytes).toString()]).toEqual([true, true, true, TOKEN]);
});
