// What writes to the root while that is frozen, and who thaws it where no host does; envd-http.md 5.9, lifecycle.md 5.8.

import { gzipSync } from "node:zlib";
import { existsSync, writeFileSync } from "node:fs";
import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { ownRoot } from "./own-root.ts";
import { ask, filePart, formBody, Peer, requestBytes } from "./peer.ts";
import { BOUNDARY, form, octets } from "./uploads.ts";

setDefaultTimeout(hangLimit);

async function post(daemon: Daemon, path: string): Promise<number> {
  return (await daemon.fetch(path, { method: "POST" })).status;
}

/** Runs `body` with an agent whose root is frozen; nothing stays frozen. */
function withFrozen(args: readonly string[], body: (daemon: Daemon) => Promise<void>, before?: (daemon: Daemon) => Promise<void>): Promise<void> {
  return Daemon.with({ args: ["--isnotfc", ...args], setup: ownRoot }, async (daemon) => {
    await before?.(daemon);
    const root = daemon.inside("/");
    try {
      expect(await post(daemon, "/fsfreeze")).toBe(204);
      await body(daemon);
    } finally {
      Bun.spawnSync(["fsfreeze", "--unfreeze", root]);
    }
  });
}

/** Somebody who writes to the root, and waits for that. */
function startWriter(daemon: Daemon): Bun.Subprocess {
  return Bun.spawn(["sh", "-c", `echo x >/proc/${daemon.pid}/root/written`]);
}

async function isServed(daemon: Daemon): Promise<boolean> {
  return (await ask(daemon.port, "GET", "/health")).status === 200;
}

const target = "/files?path=/stored&username=root";
const uploads: readonly (readonly [string, Record<string, string>, Buffer | string])[] = [
  ["a raw body", { "Content-Type": octets }, "content"],
  ["an empty one", { "Content-Type": octets }, ""],
  ["one in gzip", { "Content-Type": octets, "Content-Encoding": "gzip" }, gzipSync("content")],
  ["a form", { "Content-Type": form }, formBody(BOUNDARY, [[filePart("x"), "content"]])],
];

// The emulator does not know the calls.
if (host.name !== "aarch64") {
  test.each(uploads)("an upload waits for the thaw, and everything else is served: %s", (_, headers, body) =>
    withFrozen([], async (daemon) => {
      const upload = ask(daemon.port, "POST", target, { headers, body });
      for (let i = 0; i < 3; i++) expect(await isServed(daemon)).toBe(true);
      expect(existsSync(daemon.inside("/stored"))).toBe(false);
      expect(await post(daemon, "/fsthaw")).toBe(204);
      expect((await upload).status).toBe(200);
      expect(daemon.read("/stored").toString()).toBe(body === "" ? "" : "content");
    }));

  test("an upload that has begun waits, too, and one whose client leaves is forgotten", async () => {
    const peers: Peer[] = [];
    const begin = async (daemon: Daemon): Promise<void> => {
      for (const path of ["/first", "/second"]) {
        const peer = await Peer.connect(daemon.port);
        const headers = { "Content-Type": octets, "Content-Length": "8" };
        await peer.send(requestBytes("POST", `/files?path=${path}&username=root`, { headers, body: "half" }));
        await until("the file is there", 20, () => existsSync(daemon.inside(path)));
        peers.push(peer);
      }
    };
    await withFrozen([], async (daemon) => {
      const [first, second] = peers;
      if (first === undefined || second === undefined) throw new Error("no peers");
      const descriptors = daemon.descriptors();
      await first.send("rest");
      expect(await isServed(daemon)).toBe(true);
      second.leave();
      await until("its connection and its file are closed", 20, () => daemon.descriptors() === descriptors - 2);
      expect(daemon.read("/first").toString()).toBe("half");
      expect(await post(daemon, "/fsthaw")).toBe(204);
      expect((await first.read()).status).toBe(200);
      first.leave();
      expect(daemon.read("/first").toString()).toBe("halfrest");
    }, begin);
  });

  test("compose waits", () =>
    withFrozen([], async (daemon) => {
      const request = JSON.stringify({ source_paths: ["/source"], destination: "/whole", username: "root" });
      const composition = ask(daemon.port, "POST", "/files/compose", { body: request });
      for (let i = 0; i < 3; i++) expect(await isServed(daemon)).toBe(true);
      expect(await post(daemon, "/fsthaw")).toBe(204);
      expect((await composition).status).toBe(200);
      expect(daemon.read("/whole").toString()).toBe("content");
    }, async (daemon) => writeFileSync(daemon.inside("/source"), "content")));

  test("procedures that write are refused, others are not", () =>
    withFrozen([], async (daemon) => {
      const ask = (name: string, request: object): Promise<Response> => daemon.fetch(`/filesystem.Filesystem/${name}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(request),
      });
      for (const [name, request] of [["MakeDir", { path: "/made" }], ["Remove", { path: "/old" }], ["Move", { source: "/old", destination: "/new" }]] as const) {
        const response = await ask(name, request);
        expect([response.status, await response.json()]).toEqual([503, { code: "unavailable", message: "the root file system is frozen" }]);
      }
      expect((await ask("Stat", { path: "/home/user" })).status).toBe(200);
      expect(await post(daemon, "/fsthaw")).toBe(204);
      expect((await ask("MakeDir", { path: "/made" })).status).toBe(200);
    }));

  test("an agent that waits for the thaw itself is not waited for: the root is thawed", () =>
    withFrozen([], async (daemon) => {
      const response = await daemon.init({ volumeMounts: [{ nfs_target: "none:/", path: "/made" }] });
      expect([response.status, existsSync(daemon.inside("/made"))]).toEqual([400, true]);
      expect(await post(daemon, "/fsthaw")).toBe(204);
    }));

  test("a root that nobody thaws thaws by itself, and may be frozen again", () =>
    withFrozen(["--thaw-after", "2"], async (daemon) => {
      expect(await startWriter(daemon).exited).toBe(0);
      expect(await post(daemon, "/fsfreeze")).toBe(204);
      const writer = startWriter(daemon);
      await until("the writer waits", 10, () => proc.state(writer.pid) === "D");
      expect(await post(daemon, "/fsthaw")).toBe(204);
      expect(await writer.exited).toBe(0);
    }));

  test("a root whose worker has ended is thawed, and the next one serves", () =>
    Daemon.with({ setup: ownRoot, isSupervised: true }, async (daemon) => {
      const root = daemon.inside("/");
      try {
        expect(await post(daemon, "/fsfreeze")).toBe(204);
        const writer = startWriter(daemon);
        await until("the writer waits", 10, () => proc.state(writer.pid) === "D");
        for (const worker of proc.children(daemon.pid)) process.kill(worker, "SIGKILL");
        expect(await writer.exited).toBe(0);
        expect((await ask(daemon.port, "POST", target, { headers: { "Content-Type": octets }, body: "content" })).status).toBe(200);
      } finally {
        Bun.spawnSync(["fsfreeze", "--unfreeze", root]);
      }
    }));

  test("a root whose agent has ended is thawed", () =>
    withFrozen([], async (daemon) => {
      const writer = startWriter(daemon);
      await until("the writer waits", 10, () => proc.state(writer.pid) === "D");
      daemon.kill("SIGKILL");
      expect(await writer.exited).toBe(0);
    }));
}
