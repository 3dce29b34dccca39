// POST /init: whom it obeys; envd-http.md 5.4, 8.5 and 8.10.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { Daemon } from "./daemon.ts";
import { answer, fresh, internal, json, statusWith } from "./inits.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

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
