// POST /init: what it understands, whom it obeys, and in which order; envd-http.md 5.4, 8.5 and 8.10.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

const json = { "content-type": "application/json" };
const internal = { WRENN_SANDBOX: "false", E2B_SANDBOX: "false" };

function fresh(body: (daemon: Daemon) => Promise<void>): Promise<void> {
  return Daemon.with({}, body);
}

async function answer(response: Response): Promise<[number, string]> {
  expect(response.headers.get("x-envd-version")).toMatch(/^\d+\.\d+\.\d+$/);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return [response.status, await response.text()];
}

/** The status of /metrics with a token. */
async function statusWith(daemon: Daemon, token: string): Promise<number> {
  return (await daemon.fetch("/metrics", { headers: { "x-access-token": token } })).status;
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
    expect(await answer(await daemon.init({ defaultUser: "", defaultWorkdir: "" }))).toEqual([204, ""]);
  }));

describe("the token", () => {
  test("INI-11, INI-12: the first one, and the same again", () =>
    fresh(async (daemon) => {
      for (let i = 0; i < 3; i++) {
        expect(await answer(await daemon.init({ accessToken: TOKEN }))).toEqual([204, ""]);
        expect([await statusWith(daemon, TOKEN), await statusWith(daemon, "other")]).toEqual([200, 401]);
      }
    }));

  test("INI-13: another one is refused, with all that came with it", () =>
    fresh(async (daemon) => {
      await daemon.init({ accessToken: TOKEN, envVars: { A: "1" } });
      const response = await daemon.init({ accessToken: `${TOKEN}2`, envVars: { B: "2" }, defaultUser: "user", timestamp: "2030-01-01T00:00:00Z" });
      expect(await answer(response)).toEqual([401, "access token validation failed"]);
      expect([await statusWith(daemon, TOKEN), await statusWith(daemon, `${TOKEN}2`)]).toEqual([200, 401]);
      expect(await daemon.envs(TOKEN)).toEqual({ ...internal, A: "1" });
      // Its time was not taken either.
      expect((await daemon.init({ accessToken: TOKEN, envVars: { C: "3" }, timestamp: "2029-01-01T00:00:00Z" })).status).toBe(204);
      expect(await daemon.envs(TOKEN)).toEqual({ ...internal, C: "3" });
    }));

  test("INI-14: none is refused where one is set", () =>
    fresh(async (daemon) => {
      await daemon.init({ accessToken: TOKEN });
      for (const body of [undefined, {}, { accessToken: null }]) {
        expect(await answer(await daemon.init(body))).toEqual([401, "access token reset not authorized"]);
      }
      // The field of other requests says nothing here.
      const response = await daemon.init({}, { "x-access-token": TOKEN });
      expect(await answer(response)).toEqual([401, "access token reset not authorized"]);
    }));

  test.each(['""', '"a\\\\b"', '"a\\u0062"', '"\\""', "5", "true", "[]"])("INI-20: %s is none", (token) =>
    fresh(async (daemon) => {
      expect(await answer(await daemon.init(`{"envVars":{"A":"1"},"accessToken":${token}}`, json))).toEqual([400, ""]);
      expect(await daemon.envs()).toEqual(internal);
    }),
  );

  test("INI-20: an escape elsewhere is of no interest", () =>
    fresh(async (daemon) => {
      const body = `{"envVars":{"A":"\\n\\"\\u00fc"},"accessToken":"${TOKEN}","defaultUser":"\\u0075ser"}`;
      expect((await daemon.init(body, json)).status).toBe(204);
      expect(await daemon.envs(TOKEN)).toEqual({ ...internal, A: '\n"ü' });
    }));

  test("INI-21: null is as if absent", () =>
    fresh(async (daemon) => {
      expect((await daemon.init({ accessToken: null })).status).toBe(204);
      expect((await daemon.fetch("/metrics")).status).toBe(200);
    }));

  test("INI-22: the body's counts, not the field's", () =>
    fresh(async (daemon) => {
      await daemon.init({ accessToken: TOKEN });
      expect(await answer(await daemon.init({ accessToken: TOKEN }, { "x-access-token": "wrong" }))).toEqual([204, ""]);
    }));

  test("INI-30: whoever is not authorized hears so, however late", () =>
    fresh(async (daemon) => {
      await daemon.init({ accessToken: TOKEN, timestamp: "2026-01-02T03:04:05Z" });
      const late = { accessToken: "other", timestamp: "2025-01-02T03:04:05Z" };
      expect((await answer(await daemon.init(late)))[0]).toBe(401);
    }));

  test("SEC-06: of two the last one counts, and is the one that is set", () =>
    fresh(async (daemon) => {
      expect((await daemon.init('{"accessToken":"first","accessToken":"second"}', json)).status).toBe(204);
      expect([await statusWith(daemon, "first"), await statusWith(daemon, "second")]).toEqual([401, 200]);
      expect((await daemon.init('{"accessToken":"second","accessToken":"third"}', json)).status).toBe(401);
      expect((await daemon.init('{"accessToken":"third","accessToken":"second"}', json)).status).toBe(204);
      expect([await statusWith(daemon, "second"), await statusWith(daemon, "third")]).toEqual([200, 401]);
    }));

  // Bun keeps what it has read wherever it likes.
  if (host.name === "x86_64") test("one that was refused stays nowhere in memory, the one that is set in one place", () =>
    fresh(async (daemon) => {
      const refused = "refused-0123456789abcdef-0123456789";
      expect((await daemon.init({ accessToken: TOKEN, envVars: { A: "seen-in-memory" } })).status).toBe(204);
      expect((await daemon.init({ accessToken: refused })).status).toBe(401);
      expect((await daemon.init(`{"accessToken":"${refused}","timestamp":1}`)).status).toBe(400);
      expect((await daemon.init(`{"accessToken":"${refused}"`)).status).toBe(400);
      expect([refused, TOKEN, "seen-in-memory"].map((text) => copies(daemon.pid, text))).toEqual([0, 1, 1]);
    }));
});

/** How often a text is in a process's own memory. */
function copies(pid: number, text: string): number {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \d+ *(\[(?!vv).*)?$/.exec(line);
    if (match === null) continue;
    const start = Number.parseInt(match[1] ?? "", 16);
    const bytes = Buffer.alloc(Number.parseInt(match[2] ?? "", 16) - start);
    readSync(memory, bytes, 0, bytes.length, start);
    count += bytes.toString("latin1").split(text).length - 1;
  }
  closeSync(memory);
  return count;
}

describe("after a pause", () => {
  test("INI-45, L192: whoever is authorized thaws the workload, however late, and though something fails; nobody else does", async () => {
    const root = scratchDirectory();
    const freeze = join(root, "wrenn/user/cgroup.freeze");
    writeFileSync(join(root, "cgroup.controllers"), "");
    for (const name of ["pty", "user"]) {
      mkdirSync(join(root, "wrenn", name), { recursive: true });
      writeFileSync(join(root, "wrenn", name, "cgroup.freeze"), "0\n");
      writeFileSync(join(root, "wrenn", name, "cgroup.events"), "populated 1\nfrozen 0\n");
    }
    const asked = (): string => readFileSync(freeze, "utf8").trim();
    try {
      await Daemon.with({ args: ["--isnotfc", "--cgroup-root", root] }, async (daemon) => {
        await daemon.init({ accessToken: TOKEN, timestamp: "2026-01-02T03:04:05Z" });
        const late = { accessToken: TOKEN, timestamp: "2026-01-02T03:04:04Z" };
        const failing = { accessToken: TOKEN, volumeMounts: [{ nfs_target: "x", path: "" }] };
        for (const [body, status] of [[late, 204], [failing, 400]] as const) {
          expect((await daemon.fetch("/freeze", { method: "POST", headers: { "x-access-token": TOKEN } })).status).toBe(204);
          expect(asked()).toBe("1");
          for (const refused of [{}, { accessToken: "other" }, { accessToken: 5 }]) {
            expect([400, 401]).toContain((await daemon.init(refused)).status);
            expect(asked()).toBe("1");
          }
          expect((await daemon.init(body)).status).toBe(status);
          expect(asked()).toBe("0");
        }
      });
    } finally {
      remove(root);
    }
  });

  test("SNP-06: whoever is authorized ends the preparation for a snapshot; nobody else does", () =>
    fresh(async (daemon) => {
      const connectionAfter = (body: object): Promise<string | undefined> =>
        RawClient.with(daemon.port, async (client) => {
          const text = JSON.stringify(body);
          await client.send(`POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
          return (await client.response()).get("connection");
        });
      await daemon.init({ accessToken: TOKEN, timestamp: "2026-01-02T03:04:05Z" });
      expect((await daemon.fetch("/snapshot/prepare", { method: "POST" })).status).toBe(204);
      expect(await connectionAfter({ accessToken: "other" })).toBe("close");
      expect(await connectionAfter({ accessToken: TOKEN, timestamp: "2026-01-02T03:04:04Z" })).toBeUndefined();
      expect(await connectionAfter({ accessToken: "other" })).toBeUndefined();
    }));
});

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

  const slowMount = "mount -t tmpfs bin /usr/local/sbin; printf '#!/bin/sh\\nexec sleep 2\\n' > /usr/local/sbin/mount; chmod 755 /usr/local/sbin/mount";

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
