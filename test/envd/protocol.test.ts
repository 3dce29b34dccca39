// How the protocol holds up: pipelining, slow and broken requests, refusals; envd-http.md 8.1 and 8.11.

import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

const KB = 1024;
const MB = 1024 * KB;

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "truncate -s 1G /srv/big" });
});
afterAll(() => daemon.dispose());

const health = "GET /health HTTP/1.1\r\nHost: mote\r\n\r\n";

/** Sends bytes on a connection of its own. Returns the statuses of what comes back, up to `count` or the end. */
function statusesOf(bytes: string | Uint8Array, count: number): Promise<number[]> {
  return RawClient.with(daemon.port, async (client) => {
    await client.send(bytes);
    const statuses: number[] = [];
    while (statuses.length < count) {
      const head = await client.head();
      if (head === undefined) break;
      // Its body is read as any other's.
      await client.skipBody(head);
      statuses.push(head.status);
    }
    return statuses;
  });
}

/** The one response to a request after which the connection ends. */
async function refusalOf(bytes: string | Uint8Array): Promise<number> {
  return RawClient.with(daemon.port, async (client) => {
    await client.send(bytes);
    const response = await client.response();
    expect(response.get("connection")).toBe("close");
    client.endSending();
    expect(await client.ending()).toBe("eof");
    return response.status;
  });
}

test("SRV-01, SRV-06, SRV-08: requests follow each other on one connection, paths match exactly, HEAD has no body", () =>
  RawClient.with(daemon.port, async (client) => {
    for (let i = 0; i < 2; i++) {
      await client.send(health);
      expect((await client.response()).status).toBe(200);
    }
    for (const path of ["/health/", "//health", "/./health", "/Health", "/health%20", "health"]) {
      await client.get(path);
      expect([path, (await client.response()).status]).toEqual([path, 404]);
    }
    await client.send(health.replace("GET", "HEAD") + health);
    const head = await client.response("HEAD");
    const get = await client.response();
    expect([head.status, head.body.length, head.get("content-length")]).toEqual([200, 0, get.get("content-length")]);
  }));

test("PRO-01: 20 requests in one packet are answered in order", () =>
  RawClient.with(daemon.port, async (client) => {
    const paths = Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? "/health" : i % 3 === 1 ? "/nope" : "/files?path=/etc/hosts"));
    await client.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: mote\r\n\r\n`).join(""));
    for (const path of paths) {
      const response = await client.response();
      const expected = path === "/health" ? '{"version"' : path === "/nope" ? "404 page" : "127.0.0.1";
      expect(response.body.toString()).toStartWith(expected);
    }
  }));

test("thousands of requests sent on ahead are answered while others are served", () =>
  RawClient.with(daemon.port, async (client) => {
    const count = 5000;
    const sent = client.send(health.repeat(count));
    for (let i = 0; i < count; i++) expect((await client.response()).status).toBe(200);
    expect(await sent).toBe(true);
  }));

test("PRO-03: a head that comes a byte every 200 ms", () =>
  RawClient.with(daemon.port, async (client) => {
    for (const byte of health) {
      await client.send(byte);
      await Bun.sleep(200);
    }
    expect((await client.response()).status).toBe(200);
  }));

test("PRO-08, PRO-10: 64 kB of head, 300 and 1000 fields, a path of 64 kB", async () => {
  const head = (fields: string): string => `GET /health HTTP/1.1\r\nHost: mote\r\n${fields}\r\n`;
  expect(await statusesOf(head(`X: ${"x".repeat(64 * KB)}\r\n`), 1)).toEqual([200]);
  expect(await statusesOf(head("X-Line: value\r\n".repeat(300)), 1)).toEqual([200]);
  expect(await statusesOf(head("X-Line: value\r\n".repeat(1000)), 1)).toEqual([200]);
  expect(await statusesOf(`GET /${"p".repeat(64 * KB)} HTTP/1.1\r\nHost: mote\r\n\r\n`, 1)).toEqual([404]);
  expect(await statusesOf(head(`X: ${"x".repeat(1000 * KB)}\r\n`), 1)).toEqual([200]);
});

test("PRO-09: 2 MiB of head, in one field, in many, in the target, and 5000 fields: 431, and the connection ends", async () => {
  const start = "GET /health HTTP/1.1\r\nHost: mote\r\n";
  expect(await refusalOf(`${start}X: ${"x".repeat(2 * MB)}\r\n\r\n`)).toBe(431);
  expect(await refusalOf(`${start}${"X-Line: value\r\n".repeat(140_000)}\r\n`)).toBe(431);
  expect(await refusalOf(`GET /${"p".repeat(2 * MB)} HTTP/1.1\r\nHost: mote\r\n\r\n`)).toBe(431);
  expect(await refusalOf(`${start}${"X-Line: value\r\n".repeat(5000)}\r\n`)).toBe(431);
});

test("PRO-15: 100 comes when the body is awaited, and not before an error", async () => {
  await RawClient.with(daemon.port, async (client) => {
    await client.send("POST /unfreeze HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect((await client.response()).status).toBe(100);
    await client.send("xx");
    expect((await client.response()).status).toBe(204);
    // What sends the body without waiting needs no word.
    await client.send("POST /unfreeze HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nxx");
    expect((await client.response()).status).toBe(204);
  });
  const fields = "HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  expect(await refusalOf(`POST /nope ${fields}`)).toBe(404);
  expect(await refusalOf(`POST /freeze?maxWaitMs=x ${fields}`)).toBe(400);
  expect(await refusalOf("POST /unfreeze HTTP/1.1\r\nHost: mote\r\nContent-Length: 2\r\nExpect: a-miracle\r\n\r\n")).toBe(417);
});

test("PRO-16: HTTP/1.0 is answered and ended, unless it asks to be kept alive and not to be closed", async () => {
  for (const fields of ["", "Connection: close\r\n", "Connection: keep-alive, close\r\n"]) {
    await RawClient.with(daemon.port, async (client) => {
      await client.send(`GET /health HTTP/1.0\r\n${fields}\r\n`);
      expect((await client.response()).status).toBe(200);
      expect(await client.ending()).toBe("eof");
    });
  }
  await RawClient.with(daemon.port, async (client) => {
    for (let i = 0; i < 2; i++) {
      await client.send("GET /health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
      expect((await client.response()).get("connection")).toBe("keep-alive");
    }
  });
});

test("PRO-17: the preface of HTTP/2 is refused", async () => {
  expect(await refusalOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")).toBe(505);
});

test("PRO-18: HTTP/1.1 without Host, or with two", async () => {
  expect(await refusalOf("GET /health HTTP/1.1\r\n\r\n")).toBe(400);
  expect(await refusalOf("GET /health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")).toBe(400);
});

test("PRO-19: a target in absolute form", async () => {
  for (const target of ["http://x/health", "HTTPS://x:1/health", "http://x/health?a=b"]) {
    expect(await statusesOf(`GET ${target} HTTP/1.1\r\nHost: mote\r\n\r\n`, 1)).toEqual([200]);
  }
});

test("PRO-05: an upload that stops sending is dropped at the idle limit", () =>
  Daemon.with({ args: ["--isnotfc", "--idle-timeout", "2"] }, async (lowered) => {
    const descriptors = lowered.descriptors();
    await RawClient.with(lowered.port, async (client) => {
      await client.send("POST /unfreeze HTTP/1.1\r\nHost: mote\r\nContent-Length: 1000000\r\n\r\nabc");
      // One that gets on, however slowly, is not: a byte is sent much more often than would be needed.
      const start = performance.now();
      while (performance.now() - start < 3000) {
        await Bun.sleep(50);
        expect(client.isEnded).toBe(false);
        await client.send("x");
      }
      expect(await client.ending()).toBe("eof");
    });
    await until("its descriptor is closed", 10, () => lowered.descriptors() === descriptors);
    expect((await lowered.fetch("/health")).status).toBe(200);
  }));

test("HLT-02: 200 requests for /health in parallel while a download of 1 GiB runs", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.get("/files?path=/srv/big");
    expect((await client.head())?.status).toBe(200);
    client.ignore();
    await until("it runs", 10, () => client.received > MB);
    const one = async (): Promise<number> => {
      const start = performance.now();
      expect((await daemon.fetch("/health")).status).toBe(200);
      return performance.now() - start;
    };
    await Promise.all(Array.from({ length: 200 }, one));
    await until("it is complete", 50, () => client.received > 1024 * MB);
  }));

test("a half-closed client gets its answers", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send(health + health + "GET /files?path=/etc/hosts HTTP/1.1\r\nHost: mote\r\n\r\n");
    client.endSending();
    for (let i = 0; i < 3; i++) expect((await client.response()).status).toBe(200);
    expect(await client.ending()).toBe("eof");
  }));

test("an answer given before the body has come is not lost, however much of it comes", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send(`POST /nope HTTP/1.1\r\nHost: mote\r\nContent-Length: ${10 * MB}\r\n\r\n`);
    expect(await client.send(noise(10 * MB))).toBe(true);
    const response = await client.response();
    expect([response.status, response.get("connection")]).toEqual([404, "close"]);
    expect(await client.ended()).toBe("eof");
  }));

test("PRO-20: thousands of connections that send noise", async () => {
  const total = 10_000;
  const descriptors = daemon.descriptors();
  const batch = async (from: number): Promise<void> => {
    for (let i = from; i < total; i += 50) {
      const client = await RawClient.connect(daemon.port);
      await client.send(noise(1 + ((i * 37) % 400), i + 1));
      client.abort();
    }
  };
  await Promise.all(Array.from({ length: 50 }, (_, i) => batch(i)));
  expect((await daemon.fetch("/health")).status).toBe(200);
  await until("all are closed", 20, () => daemon.descriptors() <= descriptors + 2);
}, 120_000);

test("SRV-02: a connection that was idle for 30 s serves on", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send(health);
    await client.response();
    await Bun.sleep(30_000);
    await client.send(health);
    expect((await client.response()).status).toBe(200);
  }));

test("PRO-02: a request behind an upload sees what was uploaded", () =>
  RawClient.with(daemon.port, async (client) => {
    const file = (name: string): string => `/files?path=/srv/${name}&username=root`;
    const get = (name: string): string => `GET ${file(name)} HTTP/1.1\r\nHost: mote\r\n\r\n`;
    const head = (name: string): string => `POST ${file(name)} HTTP/1.1\r\nHost: mote\r\nContent-Type: application/octet-stream\r\n`;
    for (const text of ["first", "and second"]) {
      const length = `${head("a")}Content-Length: ${text.length}\r\n\r\n${text}`;
      const chunks = `${head("b")}Transfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
      await client.send(length + get("a") + chunks + get("b"));
      for (let i = 0; i < 2; i++) {
        expect((await client.response("POST")).status).toBe(200);
        expect((await client.response()).body.toString()).toBe(text);
      }
    }
  }));

test("PRO-05, PRO-12, PRO-15 with files: broken and unauthorised uploads", async () => {
  const fields = "HTTP/1.1\r\nHost: mote\r\nContent-Type: application/octet-stream\r\nExpect: 100-continue\r\n";
  await RawClient.with(daemon.port, async (client) => {
    await client.send(`POST /files?path=/srv/c&username=root ${fields}Content-Length: 3\r\n\r\n`);
    expect((await client.response()).status).toBe(100);
    await client.send("abc");
    expect((await client.response("POST")).status).toBe(200);
  });
  expect(daemon.read("/srv/c").toString()).toBe("abc");
  expect(await refusalOf(`POST /files?path=/srv/c&username=ghost ${fields}Content-Length: 3\r\n\r\n`)).toBe(401);
  const descriptors = daemon.descriptors();
  await RawClient.with(daemon.port, async (client) => {
    await client.send(`POST /files?path=/srv/d&username=root ${fields}Transfer-Encoding: chunked\r\n\r\n`);
    expect((await client.response()).status).toBe(100);
    await client.send("2\r\nab\r\n");
    await until("it has begun", 10, () => existsSync(daemon.inside("/srv/d")) && daemon.read("/srv/d").toString() === "ab");
    await client.send("zz\r\n");
    expect((await client.response("POST")).status).toBe(400);
  });
  await until("the file is closed", 10, () => daemon.descriptors() <= descriptors);
  expect((await daemon.fetch("/health")).status).toBe(200);
});
