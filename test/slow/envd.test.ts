// What takes minutes by its nature: uploads that are slow, and what the daemon does by itself when no host calls. All of it
// at a time.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "bun:test";
import { Daemon } from "../envd/daemon.ts";
import { RawClient } from "../http/raw.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { pausedInput, usualKeepalive } from "./streams.ts";

const MINUTE = 60_000;

function expectEqual(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${String(actual)}, not ${String(expected)}`);
}

/** One byte a second, for 6 minutes: chunks and a length. */
async function slowUpload(kind: "chunks" | "length"): Promise<void> {
  const seconds = 360;
  await Daemon.with({ isSupervised: true }, (daemon) =>
    RawClient.with(daemon.port, async (client) => {
      const framing = kind === "chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${seconds}`;
      await client.send(`POST /files?path=/srv/slow HTTP/1.1\r\nHost: mote\r\nContent-Type: application/octet-stream\r\n${framing}\r\n\r\n`);
      for (let i = 0; i < seconds; i++) {
        await Bun.sleep(1000);
        if (!(await client.send(kind === "chunks" ? "1\r\nx\r\n" : "x"))) throw new Error(`closed after ${i} s`);
      }
      if (kind === "chunks") await client.send("0\r\n\r\n");
      expectEqual((await client.response("POST")).status, 200);
      expectEqual(daemon.read("/srv/slow").toString(), "x".repeat(seconds));
    }),
  );
}

/** Keep-alive is off for a minute after a preparation behind which no host calls; then all goes on. */
async function forgottenPreparation(): Promise<void> {
  const setup = "echo 0 >$DIR/drop; mount --bind $DIR/drop /proc/sys/vm/drop_caches; truncate -s 1G /srv/big";
  await Daemon.with({ setup }, async (daemon) => {
    const connection = async (): Promise<string | null> => (await daemon.fetch("/nope")).headers.get("connection");
    await RawClient.with(daemon.port, async (before) => {
      await before.get("/files?path=/srv/big");
      await before.head();
      before.pause();
      const start = performance.now();
      expectEqual((await daemon.fetch("/snapshot/prepare", { method: "POST" })).status, 204);
      while ((await connection()) === "close") await Bun.sleep(1000);
      const seconds = (performance.now() - start) / 1000;
      if (seconds < 59 || seconds > 70) throw new Error(`keep-alive came back after ${seconds} s`);
      // What was open is not cut off, then or by the next call.
      await daemon.fetch("/health");
      const received = before.received;
      before.ignore();
      before.resume();
      while (before.received < received + 100 * 1024 * 1024) await Bun.sleep(10);
    });
  });
}

/** A freeze that nobody takes back ends by itself after 10 minutes. */
async function forgottenFreeze(): Promise<void> {
  const root = scratchDirectory();
  try {
    writeFileSync(join(root, "cgroup.controllers"), "");
    mkdirSync(join(root, "wrenn/user"), { recursive: true });
    const asked = join(root, "wrenn/user/cgroup.freeze");
    writeFileSync(asked, "0\n");
    await Daemon.with({ args: ["--isnotfc", "--cgroup-root", root] }, async (daemon) => {
      const start = performance.now();
      expectEqual((await daemon.fetch("/freeze", { method: "POST" })).status, 204);
      while (readFileSync(asked, "latin1").startsWith("1")) await Bun.sleep(1000);
      const minutes = (performance.now() - start) / MINUTE;
      if (minutes < 9.9 || minutes > 10.5) throw new Error(`thawed after ${minutes} minutes`);
    });
  } finally {
    remove(root);
  }
}

const limit = 12 * MINUTE;
test.concurrent("PRO-04: an upload of a byte a second, in chunks", () => slowUpload("chunks"), limit);
test.concurrent("PRO-04: and with a length", () => slowUpload("length"), limit);
test.concurrent("L177: a preparation behind which no host calls is over after 60 s", forgottenPreparation, limit);
test.concurrent("L143: a freeze that nobody takes back, after 10 minutes", forgottenFreeze, limit);
test.concurrent("I17: a stream of input with pauses is not cut off in 10 minutes", pausedInput, limit);
test.concurrent("S54: an interval of keepalives that is none is 90 s", usualKeepalive, limit);
