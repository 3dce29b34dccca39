// POST /init: what it understands, and in which order; envd-http.md 5.4, 8.5 and 8.10.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { answer, fresh, internal, json, slowMount } from "./inits.ts";

setDefaultTimeout(hangLimit);

/** What an error says. */
async function message(daemon: Daemon, path: string): Promise<string> {
  return ((await (await daemon.fetch(path)).json()) as { message: string }).message;
}

describe("the body", () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start();
  });
  afterAll(() => daemon.dispose());

  test("INI-01: none at all", () =>
    RawClient.with(daemon.port, async (client) => {
      await client.send("POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: 0\r\n\r\n");
      const response = await client.response();
      expect([response.status, response.get("cache-control"), response.get("x-envd-version")]).toEqual([204, "no-store", "0.6.11"]);
      await client.send("POST /init HTTP/1.1\r\nHost: mote\r\n\r\nPOST /init HTTP/1.1\r\nHost: mote\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
      expect((await client.response()).status).toBe(204);
      expect((await client.response()).status).toBe(204);
    }));

  test("INI-02: its type is of no interest", async () => {
    expect(await answer(await daemon.init("{}", { "content-type": "text/plain" }))).toEqual([204, ""]);
    expect(await answer(await daemon.init("null", json))).toEqual([204, ""]);
  });

  test("INI-03: a user and variables", async () => {
    expect(await answer(await daemon.init({ defaultUser: "user", envVars: { K: "v" } }))).toEqual([204, ""]);
    expect(await daemon.envs()).toEqual({ ...internal, K: "v" });
    expect(await message(daemon, "/files?path=x")).toBe("path '/home/user/x' does not exist");
  });

  test.each(["{not json", "[", "x", " ", "[]", '"x"', "1", "{}{}", '{"a":}', "\0", "{\"a\":\"\x01\"}"])("INI-04: %p is none", async (body) => {
    expect(await answer(await daemon.init(body, json))).toEqual([400, ""]);
  });

  test.each([
    { envVars: { A: 1 } }, { envVars: [] }, { envVars: "x" }, { envVars: { A: [] } }, { defaultUser: 5 }, { defaultWorkdir: [] },
    { hyperloopIP: 1 }, { hyperloopIp: {} }, { lifecycleID: 1 }, { volumeMounts: {} }, { volumeMounts: [1] }, { volumeMounts: [{ path: 1 }] },
    { caBundle: 1 }, { accessToken: {} }, { timestamp: 1 },
  ])("INI-05: %p is of a wrong type, and nothing changes", async (part) => {
    await daemon.init({ envVars: { K: "v" }, defaultUser: "user" });
    expect(await answer(await daemon.init({ envVars: { X: "y" }, ...part }))).toEqual([400, ""]);
    expect(await daemon.envs()).toEqual({ ...internal, K: "v" });
  });

  test("INI-06: what it does not know", async () => {
    expect(await answer(await daemon.init({ unknown: true, EnvVars: { X: "y" }, ACCESSTOKEN: 5 }))).toEqual([204, ""]);
    expect((await daemon.envs()).X).toBeUndefined();
  });

  test("null is as if absent", async () => {
    await daemon.init({ envVars: { K: "v" } });
    const nothing = {
      accessToken: null, timestamp: null, defaultUser: null, defaultWorkdir: null, envVars: null, hyperloopIP: null, lifecycleID: null,
      volumeMounts: null, caBundle: null,
    };
    expect(await answer(await daemon.init(nothing))).toEqual([204, ""]);
    expect(await daemon.envs()).toEqual({ ...internal, K: "v" });
  });

  test("more than 16 MiB: 413, and the server goes on", () =>
    RawClient.with(daemon.port, async (client) => {
      await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${64 * 1024 * 1024}\r\n\r\n`);
      const piece = Buffer.alloc(1024 * 1024, "[");
      for (let i = 0; i < 17; i++) await client.send(piece);
      expect((await client.response()).status).toBe(413);
      expect((await daemon.fetch("/health")).status).toBe(200);
    }));
});

describe("variables", () => {
  test("INI-07: a set takes the place of the one before", () =>
    fresh(async (daemon) => {
      await daemon.init({ envVars: { A: "1", B: "2" } });
      await daemon.init({ envVars: { B: "3", C: "4" } });
      expect(await daemon.envs()).toEqual({ ...internal, B: "3", C: "4" });
    }));

  test("INI-08: an empty one clears, none at all leaves; a null is an empty text", () =>
    fresh(async (daemon) => {
      await daemon.init({ envVars: { A: "1", N: null } });
      await daemon.init({ envVars: null });
      await daemon.init({});
      expect(await daemon.envs()).toEqual({ ...internal, A: "1", N: "" });
      await daemon.init({ envVars: {} });
      expect(await daemon.envs()).toEqual(internal);
    }));

  test("INI-09: the daemon's own stay", () =>
    fresh(async (daemon) => {
      await daemon.init({ envVars: { WRENN_SANDBOX: "x", E2B_SANDBOX: "x", A: "1" } });
      expect(await daemon.envs()).toEqual({ ...internal, A: "1" });
    }));

  test("SEC-03: names that objects have are names like any other", () =>
    fresh(async (daemon) => {
      const body = '{"envVars":{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h","":"e"}}';
      expect((await daemon.init(body, json)).status).toBe(204);
      const text = await (await daemon.fetch("/envs")).text();
      for (const pair of ['"__proto__":"p"', '"constructor":"c"', '"toString":"t"', '"hasOwnProperty":"h"', '"":"e"']) expect(text).toContain(pair);
      await daemon.init({ envVars: {} });
      expect(await daemon.envs()).toEqual(internal);
    }));

  test("INI-44: 10 MiB of them", () =>
    fresh(async (daemon) => {
      const envVars = Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`V${i}`, `${i}`.repeat(10_240).slice(0, 10_240)]));
      expect((await daemon.init({ envVars })).status).toBe(204);
      expect(await daemon.envs()).toEqual({ ...internal, ...envVars });
    }));
});

test("INI-10: an empty user or directory changes nothing", () =>
  fresh(async (daemon) => {
    expect((await daemon.init({ defaultUser: "user", defaultWorkdir: "/srv" })).status).toBe(204);
    expect(await answer(await daemon.init({ defaultUser: "", defaultWorkdir: "" }))).toEqual([204, ""]);
    expect(await message(daemon, "/files?path=x")).toBe("path '/home/user/x' does not exist");
    expect(await message(daemon, "/files")).toBe("path '/srv' is a directory");
  }));

describe("hostile bodies", () => {
  test.each([
    ["1 MiB of [", "[".repeat(1024 * 1024)],
    ["1 MiB of nested objects", '{"a":'.repeat(200_000)],
    ["nested in what nobody reads", `{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("SEC-05: %s", (_, body) =>
    fresh(async (daemon) => {
      expect(await answer(await daemon.init(body, json))).toEqual([400, ""]);
      expect((await daemon.fetch("/health")).status).toBe(200);
    }),
  );
});

describe("one at a time", () => {
  test("INI-43, L183: of 20 at once the latest one wins", () =>
    fresh(async (daemon) => {
      const times = Array.from({ length: 20 }, (_, i) => i).sort((a, b) => ((a * 7) % 20) - ((b * 7) % 20));
      const responses = await Promise.all(times.map((i) =>
        daemon.init({ timestamp: `2026-01-02T03:04:05.0000000${`${i}`.padStart(2, "0")}Z`, envVars: { I: `${i}` } })));
      for (const response of responses) expect(response.status).toBe(204);
      expect(await daemon.envs()).toEqual({ ...internal, I: "19" });
    }));

  test("those who wait come in order; who has gone meanwhile does not come", () =>
    Daemon.with({ setup: slowMount }, async (daemon) => {
      const slow = daemon.init({ volumeMounts: [{ nfs_target: "h:/x", path: "/srv/x" }], envVars: { I: "slow" } });
      await until("it mounts", 5, async () => (await daemon.envs()).I === "slow");
      const gone = await RawClient.connect(daemon.port);
      const body = '{"envVars":{"I":"gone"},"timestamp":"2030-01-01T00:00:00Z"}';
      await gone.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      const last = daemon.init({ envVars: { I: "last" }, timestamp: "2029-01-01T00:00:00Z" });
      gone.abort();
      // Others are served.
      expect((await daemon.envs()).I).toBe("slow");
      expect((await slow).status).toBe(204);
      expect((await last).status).toBe(204);
      expect((await daemon.envs()).I).toBe("last");
    }));

  test("whose host goes while it is its turn is done all the same, and the next one comes", () =>
    Daemon.with({ setup: slowMount }, async (daemon) => {
      const client = await RawClient.connect(daemon.port);
      const body = JSON.stringify({ volumeMounts: [{ nfs_target: "h:/x", path: "/srv/x" }], envVars: { I: "slow" } });
      await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await until("it mounts", 5, async () => (await daemon.envs()).I === "slow");
      client.abort();
      expect((await daemon.init({ envVars: { I: "next" } })).status).toBe(204);
      expect((await daemon.envs()).I).toBe("next");
    }));
});
