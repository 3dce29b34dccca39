// What a guest does that goes on behind a snapshot; lifecycle.md 5.3 to 5.7 and 8. What needs another machine is in
// ../guest/restore.test.ts.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import * as proc from "../proc.ts";
import { Client } from "../rpc/client.ts";
import { Files, told } from "../rpc/files.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { slowMount } from "./inits.ts";
import { NetworkDaemon } from "./own-network.ts";
import { ask, fakeDrop, init, isKeptAlive, longDownload, part, prepare, prepareBeforeHealth, withDaemon } from "./snapshots.ts";

setDefaultTimeout(hangLimit);

/** Whether a download gets on. */
async function expectOpen(download: RawClient): Promise<void> {
  const { received } = download;
  download.resume();
  await until("it gets on", 10, () => download.received > received + 8 * 1024 * 1024);
  download.pause();
}

async function expectReset(download: RawClient): Promise<void> {
  download.resume();
  expect(await download.ended()).toBe("reset");
}

const over = /the preparation for a snapshot is over/g;

describe("what ends a preparation", () => {
  test("L171: not /health on a connection from before it, however late it comes", () =>
    withDaemon(async (daemon) => {
      await prepareBeforeHealth(daemon);
      expect(await isKeptAlive(daemon, "/nope")).toBe(false);
      expect(daemon.stderr.match(over)).toBeNull();
    }, `${fakeDrop}; ${part}`));

  test("L171: nor /init there", () =>
    withDaemon(async (daemon) => {
      await RawClient.with(daemon.port, async (client) => {
        await client.send("POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\n\r\n{");
        await until("the daemon has it", 10, async () => (await daemon.fetch("/nope")).status === 404);
        await prepare(daemon);
        await client.send("}");
        const response = await client.response();
        expect([response.status, response.get("connection")]).toEqual([204, "close"]);
      });
      expect(await isKeptAlive(daemon, "/nope")).toBe(false);
    }));

  test("L175: /health, once", () =>
    withDaemon(async (daemon) => {
      await prepare(daemon);
      for (let i = 0; i < 3; i++) expect((await daemon.fetch("/health")).status).toBe(200);
      await until("the log says so", 10, () => over.test(daemon.stderr));
      expect(daemon.stderr.match(over)?.length).toBe(1);
    }));

  test("L177: a time in which no host calls: what was open goes on", () =>
    withDaemon(async (daemon) => {
      const before = await longDownload(daemon);
      await prepare(daemon);
      expect(await isKeptAlive(daemon, "/nope")).toBe(false);
      await until("keep-alive is back", 30, () => isKeptAlive(daemon, "/nope"));
      expect(daemon.stderr).toContain("no host has called");
      // Nor is it cut off by the next call.
      expect((await daemon.fetch("/health")).status).toBe(200);
      await expectOpen(before);
      before.abort();
    }, fakeDrop, { args: ["--isnotfc", "--snapshot-timeout", "3"], isSupervised: true }));
});

test("a preparation outlives the worker", () =>
  withDaemon(async (daemon) => {
    const replace = async (): Promise<void> => {
      const [worker = 0] = proc.children(daemon.pid);
      process.kill(worker, "SIGKILL");
      await until("there is another one", 10, () => proc.children(daemon.pid).some((pid) => pid !== worker));
    };
    await prepare(daemon);
    await until("the flush is over", 30, () => proc.children(daemon.pid).length === 1);
    await replace();
    expect(await isKeptAlive(daemon, "/nope")).toBe(false);
    expect(await isKeptAlive(daemon, "/health")).toBe(true);
    await replace();
    expect(await isKeptAlive(daemon, "/nope")).toBe(true);
  }, fakeDrop, { isSupervised: true }));

describe("what was open", () => {
  test("L174: a process lives, and is reached again by its number; the stream of its output is reset", () =>
    withDaemon(async (daemon) => {
      const client = new Client(daemon.port, "json");
      const before = await client.start({ cmd: "/bin/cat", stdin: true, tag: "cat" });
      const pid = await before.started();
      await prepare(daemon);
      await client.stdin({ pid }, "one\n");
      await before.until("one\n");
      expect(await isKeptAlive(daemon, "/health")).toBe(true);
      await expect(before.next()).rejects.toThrow();
      expect(await client.pids()).toEqual([pid]);
      const after = await client.connect({ tag: "cat" });
      expect(await after.started()).toBe(pid);
      await client.stdin({ pid }, "two\n");
      await after.until("two\n");
      await client.kill({ pid });
      after.close();
      before.close();
    }));

  test("a watcher that is asked lives, with what it has seen; a stream of changes is reset", () =>
    withDaemon(async (daemon) => {
      const files = new Files(daemon.port, "json");
      const watcher = await files.createWatcher("/srv");
      const stream = await files.watching("/srv");
      await files.makeDir("/srv/one");
      await prepare(daemon);
      await files.makeDir("/srv/two");
      await stream.until("CREATE two");
      expect(await isKeptAlive(daemon, "/health")).toBe(true);
      await expect(stream.until("CREATE three")).rejects.toThrow();
      await files.makeDir("/srv/three");
      expect(told(await files.events(watcher)).filter((what) => what.startsWith("CREATE"))).toEqual(["CREATE one", "CREATE two", "CREATE three"]);
      stream.close();
    }));

  test("an upload is reset, and a file that is put together is not there", () =>
    withDaemon(async (daemon) => {
      const client = await RawClient.connect(daemon.port);
      await client.send("POST /files?path=/srv/up HTTP/1.1\r\nHost: mote\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nxx");
      await until("it has begun", 10, () => readdirSync(daemon.inside("/srv")).includes("up"));
      const descriptors = daemon.descriptors();
      await prepare(daemon);
      expect(await isKeptAlive(daemon, "/health")).toBe(true);
      expect(await client.ended()).toBe("reset");
      expect(readdirSync(daemon.inside("/srv")).sort()).toEqual(["big", "up"]);
      // Its socket, and its file.
      await until("both are closed", 10, () => daemon.descriptors() === descriptors - 2);
    }));

  test("a TCP peer that says nothing is asked whether it is there after 30 s", () =>
    withDaemon(async (daemon) => {
      await RawClient.with(daemon.port, async (client) => {
        expect((await ask(client, "/health")).status).toBe(200);
        const { stdout } = Bun.spawnSync(["ss", "-Htno", "state", "established", "sport", `= :${daemon.port}`]);
        const seconds = /timer:\(keepalive,(\d+)sec,0\)/.exec(stdout.toString())?.[1];
        expect(Number(seconds)).toBeLessThanOrEqual(30);
      });
    }));
});

describe("/init without a preparation", () => {
  test("L184: a later one, of which nothing says that the machine is another: nothing is cut", () =>
    withDaemon(async (daemon) => {
      const before = await longDownload(daemon);
      for (const body of [
        { timestamp: "2026-01-02T03:04:05Z" }, { timestamp: "2026-01-02T03:05:05Z", lifecycleID: "one" },
        { timestamp: "2026-01-02T03:06:05Z", lifecycleID: "one" }, { timestamp: "2026-01-02T03:07:05Z" },
        // Late: nothing that it says counts.
        { timestamp: "2026-01-02T03:06:04Z", lifecycleID: "zero" },
      ]) {
        expect((await daemon.init(body)).status).toBe(204);
        await expectOpen(before);
      }
      before.abort();
    }));

  test("L185: of another life: what was connected before is cut, this and what came after it are not", () =>
    withDaemon(async (daemon) => {
      expect((await daemon.init({ lifecycleID: "one" })).status).toBe(204);
      const before = await longDownload(daemon);
      const idle = await RawClient.connect(daemon.port);
      expect((await ask(idle, "/nope")).status).toBe(404);
      await RawClient.with(daemon.port, async (client) => {
        expect((await ask(client, "/nope")).status).toBe(404);
        const after = await longDownload(daemon);
        expect((await init(client, { lifecycleID: "two" })).status).toBe(204);
        await expectReset(before);
        expect(await idle.ended()).toBe("reset");
        await expectOpen(after);
        expect((await init(client, { lifecycleID: "two" })).status).toBe(204);
        await expectOpen(after);
        after.abort();
      });
      for (const client of [before, idle]) client.abort();
    }));

  test("L185: of another life ends a preparation from an old connection, too", () =>
    withDaemon(async (daemon) => {
      expect((await daemon.init({ lifecycleID: "one" })).status).toBe(204);
      const body = '{"lifecycleID":"two"}';
      await RawClient.with(daemon.port, async (client) => {
        const before = await longDownload(daemon);
        await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`);
        await until("the daemon has it", 10, async () => (await daemon.fetch("/nope")).status === 404);
        await prepare(daemon);
        await client.send("}");
        expect((await client.response()).status).toBe(204);
        await expectReset(before);
        before.abort();
      });
      expect(await isKeptAlive(daemon, "/nope")).toBe(true);
    }));
});

test("L182: 200 of which the host goes after 50 ms, and then one that waits", () =>
  Daemon.with({ setup: slowMount }, async (daemon) => {
    const slow = daemon.init({ volumeMounts: [{ nfs_target: "h:/x", path: "/srv/x" }], envVars: { I: "slow" } });
    await until("it mounts", 5, async () => (await daemon.envs()).I === "slow");
    const descriptors = daemon.descriptors();
    await Promise.all(Array.from({ length: 200 }, async (_, i) => {
      const client = await RawClient.connect(daemon.port);
      const body = `{"envVars":{"I":"gone"},"timestamp":"2030-01-01T00:00:00.${`${i}`.padStart(9, "0")}Z"}`;
      await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await Bun.sleep(50);
      client.abort();
    }));
    const last = daemon.init({ envVars: { I: "last" }, timestamp: "2030-01-01T00:00:01Z" });
    expect((await slow).status).toBe(204);
    expect((await last).status).toBe(204);
    expect((await daemon.envs()).I).toBe("last");
    await until("all are gone", 10, () => daemon.descriptors() <= descriptors);
    expect(proc.children(daemon.pid)).toEqual([]);
  }));

describe("in a network of its own", () => {
  test("L189: eth0's dynamic neighbours are forgotten, by /health after a preparation and by each /init", () =>
    NetworkDaemon.with({ setup: fakeDrop, args: [] }, async (daemon) => {
      const stale = (): void => {
        daemon.ip("neigh replace 10.9.9.1 lladdr 02:00:00:00:00:01 dev eth0 nud stale");
        daemon.ip("neigh replace 10.9.9.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent");
        daemon.ip("neigh replace 10.9.8.1 lladdr 02:00:00:00:00:03 dev other nud stale");
        expect(neighbours().length).toBe(3);
      };
      const neighbours = (): string[] => daemon.ip("neigh show").split("\n").filter((line) => line.startsWith("10.")).map((line) => line.split(" ")[0] ?? "");
      const kept = ["10.9.9.2", "10.9.8.1"];
      stale();
      expect(daemon.curl("/health")).toBe("200");
      expect(neighbours().length).toBe(3);
      expect(daemon.curl("/snapshot/prepare", "-X", "POST")).toBe("204");
      expect(neighbours().length).toBe(3);
      expect(daemon.curl("/health")).toBe("200");
      expect(neighbours().sort()).toEqual(kept.sort());
      stale();
      expect(daemon.curl("/init", "-X", "POST")).toBe("204");
      expect(neighbours().sort()).toEqual(kept.sort());
    }));

  test("L193: a preparation without the token, from anywhere", () =>
    NetworkDaemon.with({ setup: fakeDrop }, async (daemon) => {
      expect(daemon.curl("/init", "-d", '{"accessToken":"secret"}')).toBe("204");
      expect(daemon.curl("/metrics")).toBe("401");
      expect(daemon.curl("/snapshot/prepare", "-X", "POST")).toBe("204");
      expect(await daemon.curlFromOutside("/snapshot/prepare", "-X", "POST")).toBe("204");
    }));

  test("L193: and from other machines only, where that is asked for", () =>
    NetworkDaemon.with({ setup: fakeDrop, args: ["--isnotfc", "--prepare-from-outside"], isSupervised: true }, async (daemon) => {
      expect(daemon.curl("/init", "-d", '{"accessToken":"secret"}')).toBe("204");
      for (const words of [[], ["--interface", "127.0.0.9"]]) {
        expect(daemon.curl("/snapshot/prepare", "-X", "POST", ...words)).toBe("403");
        expect(daemon.curlAt("10.9.9.9", "/snapshot/prepare", "-X", "POST", ...words)).toBe("403");
      }
      expect(daemon.connectionField()).toBe("");
      expect(await daemon.curlFromOutside("/snapshot/prepare", "-X", "POST")).toBe("204");
      expect(daemon.connectionField()).toBe("close");
    }));
});
