// What /init has set, and the end of a worker; lifecycle.md 1.13.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { Client } from "../rpc/client.ts";
import { until } from "../until.ts";
import type { Daemon } from "./daemon.ts";
import { init, longDownload } from "./snapshots.ts";
import { damageRecord, killWorker, readRecord, supervised } from "./workers.ts";

setDefaultTimeout(hangLimit);

const clientOf = (daemon: Daemon): Client => new Client(daemon.port, "json");

async function output(daemon: Daemon, script: string): Promise<string> {
  return (await clientOf(daemon).run(script)).stdout.toString();
}

describe("the next worker, and the one after it, has", () => {
  const environment = { A: "1", EMPTY: "", "": "none", __proto__x: "p", QUOTES: "\"\\\n\0\u{1f600}é" };

  test("the environment: of users, and the daemon's own", () =>
    supervised(async (daemon) => {
      expect((await daemon.init({ envVars: { ...environment, E2B_SANDBOX: "x" }, hyperloopIP: "192.0.2.1" })).status).toBe(204);
      const before = await daemon.envs();
      expect(before).toMatchObject({ ...environment, E2B_SANDBOX: "false", E2B_EVENTS_ADDRESS: "http://192.0.2.1" });
      for (let round = 0; round < 2; round++) {
        await killWorker(daemon);
        expect(await daemon.envs()).toEqual(before);
        expect(await output(daemon, 'echo "$A $WRENN_EVENTS_ADDRESS"')).toBe("1 http://192.0.2.1\n");
      }
      // They are still the daemon's.
      expect((await daemon.init({ envVars: { E2B_EVENTS_ADDRESS: "x", B: "2" } })).status).toBe(204);
      await killWorker(daemon);
      const after = await daemon.envs();
      expect([after.E2B_EVENTS_ADDRESS, after.A, after.B]).toEqual(["http://192.0.2.1", undefined, "2"]);
      expect((await daemon.init({ envVars: {} })).status).toBe(204);
      await killWorker(daemon);
      expect((await daemon.envs()).B).toBeUndefined();
    }));

  test("the user and the directory", () =>
    supervised(async (daemon) => {
      expect((await daemon.init({ defaultUser: "user", defaultWorkdir: "/srv" })).status).toBe(204);
      for (let round = 0; round < 2; round++) {
        await killWorker(daemon);
        expect(await output(daemon, "id -un; pwd")).toBe("user\n/srv\n");
        const response = await daemon.fetch("/files?path=made", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: "x" });
        expect(((await response.json()) as { path: string }[]).map(({ path }) => path)).toEqual(["/home/user/made"]);
      }
    }));

  test("the time: what is older is late", () =>
    supervised(async (daemon) => {
      const at = (nanoseconds: number): string => `2030-01-02T03:04:05.12345678${nanoseconds}Z`;
      expect((await daemon.init({ timestamp: at(5), envVars: { A: "5" } })).status).toBe(204);
      for (let round = 0; round < 2; round++) {
        await killWorker(daemon);
        expect((await daemon.init({ timestamp: at(4), envVars: { A: "4" } })).status).toBe(204);
        expect((await daemon.envs()).A).toBe("5");
      }
      expect((await daemon.init({ timestamp: at(5), envVars: { A: "again" } })).status).toBe(204);
      expect((await daemon.envs()).A).toBe("again");
    }));

  test("the life of the guest: another one cuts what was connected", () =>
    supervised(async (daemon) => {
      expect((await daemon.init({ lifecycleID: "one" })).status).toBe(204);
      await killWorker(daemon);
      const download = await longDownload(daemon);
      // On a connection that is younger than it.
      expect((await RawClient.with(daemon.port, (client) => init(client, { lifecycleID: "two" }))).status).toBe(204);
      download.resume();
      expect(await download.ended()).toBe("reset");
    }, { setup: "truncate -s 1G /srv/big" }));

  test("the volumes: what is mounted for a life of the guest stays so", () =>
    supervised(async (daemon) => {
      const mount = async (lifecycleID: string): Promise<void> => {
        const response = await daemon.init({ volumeMounts: [{ nfs_target: "server:/x", path: "/srv/volume" }], lifecycleID });
        expect(response.status).toBe(204);
      };
      await mount("one");
      await killWorker(daemon);
      await mount("one");
      expect(daemon.read("/srv/calls").toString()).toBe("mount\n");
      await mount("two");
      expect(daemon.read("/srv/calls").toString()).toBe("mount\nmount\n");
    }, { setup: "mount -t tmpfs bin /usr/local/sbin; printf '#!/bin/sh\\necho mount >>/srv/calls\\n' >/usr/local/sbin/mount; chmod 755 /usr/local/sbin/mount" }));
});

test("an environment that is too large is lost with its worker, and nothing else is", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({ accessToken: "t", envVars: { A: "1" }, defaultUser: "user", hyperloopIP: "192.0.2.1" })).status).toBe(204);
    for (const envVars of [
      { LARGE: "x".repeat(2_000_000) },
      Object.fromEntries(Array.from({ length: 45_000 }, (_, i) => [i.toString(36), ""])),
      { CONTROL: "\x01".repeat(1_000_000) },
    ]) {
      expect((await daemon.init({ accessToken: "t", envVars })).status).toBe(204);
      expect(await daemon.envs("t")).toMatchObject(envVars);
      expect(daemon.stderr).toContain("the environment is too large to outlive this process");
      await killWorker(daemon);
      expect(Object.keys(await daemon.envs("t")).sort()).toEqual(["E2B_EVENTS_ADDRESS", "E2B_SANDBOX", "WRENN_EVENTS_ADDRESS", "WRENN_SANDBOX"]);
      expect((await daemon.fetch("/metrics")).status).toBe(401);
      expect((await clientOf(daemon).run("id -un", { headers: { "x-access-token": "t" } })).stdout.toString()).toBe("user\n");
    }
    // As large as it may be, whatever the bytes are, and however many.
    for (const envVars of [{ CONTROL: "\x01".repeat(131_000) }, Object.fromEntries(Array.from({ length: 18_000 }, (_, i) => [i.toString(36), ""]))]) {
      expect((await daemon.init({ accessToken: "t", envVars })).status).toBe(204);
      await killWorker(daemon);
      expect(await daemon.envs("t")).toMatchObject(envVars);
    }
  }));

test("a damaged record loses what was set", () =>
  supervised(async (daemon) => {
    expect((await daemon.init({ envVars: { A: "1" }, defaultUser: "user" })).status).toBe(204);
    damageRecord(daemon);
    await killWorker(daemon);
    expect((await daemon.init({ envVars: { B: "2" } })).status).toBe(204);
    expect(await daemon.envs()).toEqual({ B: "2", E2B_SANDBOX: "false", WRENN_SANDBOX: "false" });
    expect(await output(daemon, "id -un")).toBe("root\n");
    await killWorker(daemon);
    expect((await daemon.envs()).B).toBe("2");
  }));

test("what a composition was gathered in is gone, and its sources are not", () =>
  supervised(async (daemon) => {
    writeFileSync(daemon.inside("/srv/huge"), "");
    // Read and written, being on another file system: long enough to be left in the middle.
    truncateSync(daemon.inside("/srv/huge"), 4_000_000_000);
    const body = JSON.stringify({ source_paths: ["/srv/huge"], destination: "/srv/other/whole" });
    const composing = daemon.fetch("/files/compose", { method: "POST", body }).catch(() => undefined);
    const find = (): string => Bun.spawnSync(["ls", daemon.inside("/srv/other")]).stdout.toString();
    await until("the copy begins", 20, () => find().includes("whole.e2b-compose."));
    expect(readRecord(daemon).includes("/srv/other/whole.e2b-compose.")).toBe(true);
    await killWorker(daemon);
    expect(await composing).toBeUndefined();
    expect([find(), existsSync(daemon.inside("/srv/huge"))]).toEqual(["", true]);
    // One that ends is struck off.
    writeFileSync(daemon.inside("/srv/small"), "small");
    const whole = JSON.stringify({ source_paths: ["/srv/small"], destination: "/srv/other/whole" });
    expect((await daemon.fetch("/files/compose", { method: "POST", body: whole })).status).toBe(200);
    expect([find(), statSync(daemon.inside("/srv/other/whole")).size]).toEqual(["whole\n", 5]);
    expect(readRecord(daemon).includes('"temporaries":[]')).toBe(true);
  }, { setup: "mkdir /srv/other; mount -t tmpfs -o size=4g other /srv/other" }));
