// What paths mean; envd-http.md 4 and 8.3. Through uploads and downloads, whose replies name what was resolved.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { Daemon } from "./daemon.ts";
import { ask, type Reply } from "./peer.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "mount -t tmpfs -o mode=1777 tmp /tmp" });
});
afterAll(() => daemon.dispose());

function get(query: string): Promise<Reply> {
  return ask(daemon.port, "GET", `/files?${query}`);
}

function put(query: string, content = "content"): Promise<Reply> {
  return ask(daemon.port, "POST", `/files?${query}`, { headers: { "Content-Type": "application/octet-stream" }, body: content });
}

async function init(settings: object): Promise<void> {
  expect((await ask(daemon.port, "POST", "/init", { body: JSON.stringify(settings) })).status).toBe(204);
}

/** The path that an upload says it has stored. */
async function storedPath(query: string): Promise<unknown> {
  const reply = await put(query);
  expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
  return (reply.json as { path: string }[])[0]?.path;
}

test("PTH-01: a relative path starts at the home", async () => {
  expect(await storedPath("path=a/b.txt&username=user")).toBe("/home/user/a/b.txt");
  expect(daemon.read("/home/user/a/b.txt").toString()).toBe("content");
});

test("PTH-02: so does one behind a tilde", async () => {
  expect(await storedPath("path=~/c.txt&username=user")).toBe("/home/user/c.txt");
  expect(await storedPath("path=~//x/../c.txt&username=user")).toBe("/home/user/c.txt");
});

test("PTH-03: a tilde alone is the home", async () => {
  const reply = await get("path=~&username=user");
  expect([reply.status, reply.message]).toEqual([400, "path '/home/user' is a directory"]);
});

test("PTH-04: somebody else's home is not known", async () => {
  for (const reply of [await get("path=~root/x&username=user"), await put("path=~root/x&username=user")]) {
    expect(reply.status).toBe(400);
    expect(reply.message).toContain("cannot expand user-specific home dir");
  }
  expect((await get("path=~root/x")).message).toStartWith("error expanding and resolving path '~root/x': ");
  expect((await put("path=~root/x")).message).toStartWith("error resolving path: ");
});

test("PTH-05: nothing confines a path", async () => {
  const reply = await get("path=../../etc/hostname&username=user");
  expect([reply.status, reply.text]).toEqual([200, daemon.read("/etc/hostname").toString()]);
});

test("PTH-06: an absolute path stays as it is", async () => {
  expect(await storedPath("path=/tmp/../tmp/z.txt")).toBe("/tmp/../tmp/z.txt");
});

test("PTH-07: a relative path is cleaned", async () => {
  expect(await storedPath("path=./d//e/../f.txt&username=user")).toBe("/home/user/d/f.txt");
});

test("PTH-08: without a path it is the home", async () => {
  const reply = await get("username=user");
  expect([reply.status, reply.message]).toEqual([400, "path '/home/user' is a directory"]);
});

test("PTH-11: a link in a path stays", async () => {
  symlinkSync("/tmp", daemon.inside("/home/user/link"));
  expect(await storedPath("path=link/x.txt&username=user")).toBe("/home/user/link/x.txt");
  expect(daemon.read("/tmp/x.txt").toString()).toBe("content");
});

test("PTH-12: a query is decoded, plus signs too", async () => {
  expect(await storedPath("path=%2Ftmp%2Fa%20b.txt")).toBe("/tmp/a b.txt");
  expect((await get("path=/tmp/a+b.txt")).text).toBe("content");
});

test("PTH-13: once", async () => {
  expect(await storedPath("path=%252Ftmp%252Fx&username=user")).toBe("/home/user/%2Ftmp%2Fx");
  expect(existsSync(daemon.inside("/home/user/%2Ftmp%2Fx"))).toBe(true);
});

test("PTH-14: a NUL in a path", async () => {
  expect((await get("path=/tmp/a%00b")).status).toBe(500);
  expect((await put("path=/tmp/a%00b")).status).toBe(500);
  expect(existsSync(daemon.inside("/tmp/a"))).toBe(false);
  expect((await get("path=/etc/hostname")).status).toBe(200);
});

test("PTH-15: a component of 5,000 characters", async () => {
  const name = "x".repeat(5000);
  expect((await get(`path=/tmp/${name}`)).status).toBe(500);
  expect((await put(`path=/tmp/${name}`)).status).toBe(500);
  expect((await put(`path=/tmp/${name}/x`)).status).toBe(500);
  expect((await get("path=/etc/hostname")).status).toBe(200);
});

test("PTH-16: two paths", async () => {
  for (const reply of [await get("path=a&path=b"), await put("path=a&path=b")]) {
    expect([reply.status, reply.field("content-type")]).toEqual([400, "text/plain; charset=utf-8"]);
    expect(reply.text).toStartWith("Invalid format for parameter path: ");
  }
});

test("SEC-01: hostile user names name nobody", async () => {
  for (const name of ["../../etc", "x%0D%0ASet-Cookie:%20a=b", "%00", ":", "root%00"]) {
    const reply = await get(`username=${name}&path=x`);
    expect([reply.status, reply.field("set-cookie")]).toEqual([401, undefined]);
    expect(reply.message).toStartWith("error looking up user '");
  }
});

describe("with a default directory", () => {
  test("PTH-09: it stands for an empty path alone", async () => {
    await init({ defaultWorkdir: "/srv" });
    expect((await get("")).message).toBe("path '/srv' is a directory");
    expect((await get("path=")).message).toBe("path '/srv' is a directory");
    expect((await get("path=x&username=user")).message).toBe("path '/home/user/x' does not exist");
  });

  test("PTH-10: it may start at the home", async () => {
    await init({ defaultWorkdir: "~/w" });
    expect((await get("username=user")).message).toBe("path '/home/user/w' does not exist");
    writeFileSync(daemon.inside("/home/user/w"), "in the home");
    chownSync(daemon.inside("/home/user/w"), 1000, 1000);
    expect((await get("username=user")).text).toBe("in the home");
    expect(readFileSync(daemon.inside("/home/user/w"), "utf8")).toBe("in the home");
  });
});
