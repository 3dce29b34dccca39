// The access token and the end of a worker; lifecycle.md 1.13.

import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

/** Where the state lies in the record; sys/record.ts. */
const RECORD_OFFSET = 4096;
const supervised = { isSupervised: true };

async function status(daemon: Daemon, path: string, token?: string): Promise<number> {
  const response = await daemon.fetch(path, { headers: token === undefined ? {} : { "x-access-token": token } });
  await response.arrayBuffer();
  return response.status;
}

/** Kills the worker, and waits until another one answers. */
async function killWorker(daemon: Daemon): Promise<void> {
  const workerOf = (): number | undefined => proc.children(daemon.pid).find((pid) => proc.commandLine(pid).includes("--worker"));
  const worker = workerOf();
  if (worker === undefined) throw new Error("no worker");
  process.kill(worker, "SIGKILL");
  await until("another one answers", 20, async () => {
    const next = workerOf();
    return next !== undefined && next !== worker && (await status(daemon, "/health").catch(() => 0)) === 200;
  });
}

/** Overwrites the state record, which the supervisor holds. */
function damageRecord(daemon: Daemon): void {
  const directory = `/proc/${daemon.pid}/fd`;
  const records = readdirSync(directory).filter((fd) => readlinkSync(`${directory}/${fd}`).startsWith("/memfd:mote-state"));
  expect(records.length).toBe(1);
  const file = openSync(`${directory}/${records[0]}`, "r+");
  writeSync(file, Buffer.alloc(256, 0xa5), 0, 256, RECORD_OFFSET);
  closeSync(file);
}

test("L081: the token is asked for by the next worker too, and by the one after it", () =>
  Daemon.with(supervised, async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    for (let round = 0; round < 2; round++) {
      await killWorker(daemon);
      expect([await status(daemon, "/metrics"), await status(daemon, "/metrics", "other"), await status(daemon, "/metrics", TOKEN)]).toEqual([401, 401, 200]);
      expect((await daemon.init({ accessToken: "other" })).status).toBe(401);
      expect((await daemon.init({})).status).toBe(401);
    }
  }));

test("nobody signs by the token of which the next worker knows the digest alone", () =>
  Daemon.with({ ...supervised, setup: "echo content >/srv/file" }, async (daemon) => {
    const signed = (token: string): string => {
      const digest = new Bun.CryptoHasher("sha256").update(`/srv/file:read:root:${token}`).digest("base64").replace(/=+$/, "");
      return `/files?path=/srv/file&username=root&signature=${encodeURIComponent(`v1_${digest}`)}`;
    };
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    expect(await status(daemon, signed(TOKEN))).toBe(200);
    await killWorker(daemon);
    expect([await status(daemon, signed("")), await status(daemon, signed(TOKEN))]).toEqual([401, 401]);
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    expect([await status(daemon, signed("")), await status(daemon, signed(TOKEN))]).toEqual([401, 200]);
  }));

test("no token is asked for by the next worker where none was set", () =>
  Daemon.with(supervised, async (daemon) => {
    expect(await status(daemon, "/metrics")).toBe(200);
    await killWorker(daemon);
    expect(await status(daemon, "/metrics")).toBe(200);
  }));

test("L082: a damaged record lets nobody in, until the guest is set up anew", () =>
  Daemon.with(supervised, async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    damageRecord(daemon);
    for (let round = 0; round < 2; round++) {
      await killWorker(daemon);
      expect([await status(daemon, "/health"), await status(daemon, "/metrics"), await status(daemon, "/metrics", TOKEN)]).toEqual([200, 401, 401]);
      expect(await status(daemon, "/files?path=/etc/hostname")).toBe(401);
    }
    expect((await daemon.init({ accessToken: "new" })).status).toBe(204);
    expect([await status(daemon, "/metrics"), await status(daemon, "/metrics", "new")]).toEqual([401, 200]);
  }));
