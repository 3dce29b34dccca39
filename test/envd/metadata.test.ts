// X-Metadata-* of uploads; envd-http.md 5.7 and 8.9. The attributes are looked at from outside.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { Daemon } from "./daemon.ts";
import { ask, filePart, formBody, type Reply } from "./peer.ts";

setDefaultTimeout(hangLimit);

const xattrs = `
import os, sys
command, path = sys.argv[1:3]
if command == "set": os.setxattr(path, sys.argv[3], sys.argv[4].encode())
for name in sorted(os.listxattr(path)):
    if name.startswith("user."): print(name + "=" + os.getxattr(path, name).decode())
`;

let daemon: Daemon;
beforeAll(async () => {
  // ramfs knows no attributes.
  daemon = await Daemon.start({ setup: "mount -t ramfs ram /srv" });
});
afterAll(() => daemon.dispose());

const pathOf = (name: string): string => join(daemon.directory, "files", name);

function put(name: string, headers: Record<string, string>, body = "content"): Promise<Reply> {
  return ask(daemon.port, "POST", `/files?path=${name.startsWith("/") ? name : pathOf(name)}`, {
    headers: { "Content-Type": "application/octet-stream", ...headers }, body,
  });
}

/** The attributes of a file, a line each; another one is set before. */
function attributes(name: string, ...set: [] | [string, string]): string[] {
  const ran = Bun.spawnSync(["python3", "-c", xattrs, set.length === 0 ? "list" : "set", pathOf(name), ...set]);
  expect(ran.stderr.toString()).toBe("");
  return ran.stdout.toString().split("\n").slice(0, -1);
}

const metadataOf = (reply: Reply): unknown => {
  expect(reply.status).toBe(200);
  return (reply.json as { metadata?: unknown }[])[0]?.metadata;
};

test("MTA-01, MTA-02, MTA-03, MTA-11: each upload replaces the set, and no other attribute", async () => {
  expect(metadataOf(await put("one", { "X-Metadata-Author": "mish", "x-metadata-purpose": "up" }))).toEqual({ author: "mish", purpose: "up" });
  expect(attributes("one", "user.x", "kept")).toEqual(["user.e2b.author=mish", "user.e2b.purpose=up", "user.x=kept"]);
  expect(metadataOf(await put("one", { "X-Metadata-Author": "new" }))).toEqual({ author: "new" });
  expect(attributes("one")).toEqual(["user.e2b.author=new", "user.x=kept"]);
  const reply = await put("one", {});
  expect(reply.text).toBe(`[{"path":"${pathOf("one")}","name":"one","type":"file"}]`);
  expect(attributes("one")).toEqual(["user.x=kept"]);
});

test("MTA-04: the first of two values", async () => {
  expect(metadataOf(await put("four", { "X-Metadata-A": "first", "x-metadata-a": "second" }))).toEqual({ a: "first" });
});

test("MTA-05: an empty key", async () => {
  expect(metadataOf(await put("five", { "X-Metadata-": "v" }))).toBeUndefined();
});

test("MTA-06: bytes that are not printed", async () => {
  for (const value of ["a\x80b", "a\tb", "ü"]) {
    const reply = await put("six", { "X-Metadata-A": value });
    expect(reply.status).toBe(400);
    expect(reply.message).toStartWith("invalid metadata: ");
    expect(reply.message).toContain("contains non-printable-ASCII byte");
  }
  expect(existsSync(pathOf("six"))).toBe(false);
});

test("MTA-07: the longest key", async () => {
  const key = "k".repeat(246);
  expect(metadataOf(await put("seven", { [`X-Metadata-${key}`]: "v" }))).toEqual({ [key]: "v" });
  const reply = await put("longer", { [`X-Metadata-${key}k`]: "v" });
  expect(reply.status).toBe(400);
  expect(reply.message).toContain("exceeds 246 bytes");
  expect(existsSync(pathOf("longer"))).toBe(false);
});

test("MTA-08: all of it together", async () => {
  const headers = (total: number): Record<string, string> => {
    // Two keys of two bytes, with their prefixes.
    const rest = total - 2 * 11;
    return { "X-Metadata-k1": "v".repeat(1000), "X-Metadata-k2": "v".repeat(rest - 1000) };
  };
  // In memory: a disk's block may hold less.
  expect((await put("/run/eight", headers(4096))).status).toBe(200);
  const reply = await put("/run/nine", headers(4097));
  expect([reply.status, reply.message]).toEqual([400, "invalid metadata: total metadata size 4097 exceeds 4096 bytes"]);
  expect(existsSync(daemon.inside("/run/nine"))).toBe(false);
});

test("MTA-09: the same for every file of a form", async () => {
  const body = formBody("B", [[filePart(pathOf("a")), "a"], [filePart(pathOf("b")), "b"]]);
  const reply = await ask(daemon.port, "POST", "/files", {
    headers: { "Content-Type": "multipart/form-data; boundary=B", "X-Metadata-Key": "value" }, body,
  });
  expect((reply.json as { metadata: unknown }[]).map(({ metadata }) => metadata)).toEqual([{ key: "value" }, { key: "value" }]);
  for (const name of ["a", "b"]) expect(attributes(name)).toEqual(["user.e2b.key=value"]);
});

describe("MTA-10: where there are no attributes", () => {
  test.each(["/srv/ten", "/dev/null"])("%s", async (path) => {
    expect(metadataOf(await put(path, { "X-Metadata-Key": "value" }))).toBeUndefined();
  });
});

test("SEC-04: names that mean something to others", async () => {
  const reply = await put("proto", { "X-Metadata-__proto__": "v", "X-Metadata-constructor": "w" });
  expect(reply.text).toContain('"metadata":{"__proto__":"v","constructor":"w"}');
  expect(attributes("proto")).toEqual(["user.e2b.__proto__=v", "user.e2b.constructor=w"]);
});
