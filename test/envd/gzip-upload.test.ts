// POST /files with a body in gzip; envd-http.md 5.7 and 8.8.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { scale } from "../host.ts";
import { noise } from "../scratch.ts";
import { Daemon } from "./daemon.ts";
import { ask, filePart, formBody, Peer, type Reply, requestBytes } from "./peer.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "mkdir /srv/small; mount -t tmpfs -o size=8m small /srv/small" });
});
afterAll(() => daemon.dispose());

const octets = "application/octet-stream";

function put(path: string, body: Uint8Array | string, coding = "gzip", type = octets): Promise<Reply> {
  return ask(daemon.port, "POST", `/files?path=${path}`, { headers: { "Content-Type": type, "Content-Encoding": coding }, body });
}

async function isAlive(): Promise<boolean> {
  return (await ask(daemon.port, "GET", "/health")).status === 200;
}

test("GZU-01: a raw body", async () => {
  for (const content of [noise(500_000), Buffer.alloc(2_000_000, "text "), Buffer.from(""), Buffer.from("x")]) {
    expect((await put("/srv/one", gzipSync(content))).status).toBe(200);
    expect(daemon.read("/srv/one").equals(content)).toBe(true);
  }
});

test("GZU-01: a body that comes byte by byte", async () => {
  const peer = await Peer.connect(daemon.port);
  const body = gzipSync("content");
  await peer.send(requestBytes("POST", "/files?path=/srv/bytes", {
    headers: { "Content-Type": octets, "Content-Encoding": "gzip", "Content-Length": `${body.length}` },
  }));
  for (const byte of body) await peer.send(Uint8Array.of(byte));
  expect((await peer.read()).status).toBe(200);
  expect(daemon.read("/srv/bytes").toString()).toBe("content");
  peer.leave();
});

test("GZU-02: a form", async () => {
  const content = Buffer.concat([noise(300_000), Buffer.alloc(1_000_000)]);
  const body = formBody("BOUND", [[filePart("/srv/two/a"), content], [filePart("/srv/two/b"), "b"]]);
  const reply = await ask(daemon.port, "POST", "/files", {
    headers: { "Content-Type": "multipart/form-data; boundary=BOUND", "Content-Encoding": "gzip" }, body: gzipSync(body),
  });
  expect([reply.status, reply.json]).toEqual([200, [
    { path: "/srv/two/a", name: "a", type: "file" }, { path: "/srv/two/b", name: "b", type: "file" },
  ]]);
  expect(daemon.read("/srv/two/a").equals(content)).toBe(true);
  expect(daemon.read("/srv/two/b").toString()).toBe("b");
});

test.each(["GZIP", "gzip;q=1.0", " gzip ; x=y"])("GZU-03: %s", async (coding) => {
  expect((await put("/srv/three", gzipSync("three"), coding)).status).toBe(200);
  expect(daemon.read("/srv/three").toString()).toBe("three");
});

test.each(["br", "deflate", "gzip, gzip"])("GZU-04: %s", async (coding) => {
  const reply = await put("/srv/four", gzipSync("four"), coding);
  expect([reply.status, reply.message])
    .toEqual([400, `error decompressing request body: unsupported Content-Encoding: ${coding}, supported: [gzip]`]);
  expect(existsSync(daemon.inside("/srv/four"))).toBe(false);
});

test.each([["plain bytes", "plain bytes, more than ten"], ["few", "abc"], ["none", ""], ["too few", "\x1f\u008b\x08"]])(
  "GZU-05: gzip announced, %s sent",
  async (_, body) => {
    writeFileSync(daemon.inside("/srv/five"), "kept");
    const reply = await put("/srv/five", Buffer.from(body, "latin1"));
    expect(reply.status).toBe(400);
    expect(reply.message).toStartWith("error decompressing request body: failed to create gzip reader: ");
    expect(daemon.read("/srv/five").toString()).toBe("kept");
  },
);

test("GZU-06: damaged", async () => {
  const whole = gzipSync(noise(200_000));
  const damaged = Buffer.from(whole);
  // A block of a kind that does not exist.
  damaged.fill(0xff, 10, 40);
  const badSum = Buffer.from(whole);
  badSum[badSum.length - 6] = (badSum.at(-6) ?? 0) ^ 1;
  const badSize = Buffer.from(whole);
  badSize[badSize.length - 1] = 7;
  const trailing = Buffer.concat([whole, Buffer.from("trailing")]);
  for (const body of [damaged, badSum, badSize, trailing]) {
    expect((await put("/srv/six", body)).status).toBe(500);
    expect(await isAlive()).toBe(true);
  }
});

test("GZU-07: cut off", async () => {
  const whole = gzipSync(noise(200_000));
  for (const length of [10, 100, 150_000, whole.length - 1]) expect((await put("/srv/seven", whole.subarray(0, length))).status).toBe(500);
  const reply = await put("/srv/seven", whole.subarray(0, 150_000));
  expect(reply.message).toStartWith("error writing file: ");
});

test("GZU-08: two members", async () => {
  const body = Buffer.concat([gzipSync("first, "), gzipSync("second")]);
  expect((await put("/srv/eight", body)).status).toBe(200);
  expect(daemon.read("/srv/eight").toString()).toBe("first, second");
});

test("GZU-09: a bomb for a small disk, and others are served meanwhile", async () => {
  const bomb = gzipSync(Buffer.alloc(scale.file * 10), { level: 9 });
  const before = daemon.memory().rss;
  const reply = put("/srv/small/bomb", bomb);
  expect(await isAlive()).toBe(true);
  expect((await reply).status).toBe(507);
  expect((await reply).message).toBe(`attempted to write ${bomb.length} bytes: not enough disk space available`);
  expect(daemon.memory().rss - before).toBeLessThan(scale.growth);
  // Where there is room for all of it, it takes its time, and the others get theirs.
  const accepted = put("/dev/null", bomb);
  let isDone = false;
  void accepted.then(() => {
    isDone = true;
  });
  let asked = 0;
  while (!isDone) {
    expect(await isAlive()).toBe(true);
    asked++;
  }
  expect((await accepted).status).toBe(200);
  expect(asked).toBeGreaterThan(1);
});

test("GZU-10: identity", async () => {
  for (const coding of ["identity", "Identity", ""]) {
    expect((await put("/srv/ten", `as it is ${coding}`, coding)).status).toBe(200);
    expect(readFileSync(daemon.inside("/srv/ten"), "utf8")).toBe(`as it is ${coding}`);
  }
});
