// Watching: WatchDir and the watchers that are asked; envd-rpc.md 4.5 to 4.7, 6.7.

import { expect } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmdirSync, rmSync, utimesSync } from "node:fs";
import { fuseAt } from "../fuse.ts";
import { failure } from "./cases.ts";
import { FileCases } from "./file-cases.ts";
import { type Change, told } from "./files.ts";
import { HttpStream } from "./http.ts";
import { create, withStream } from "./watching.ts";

const cases = new FileCases({ setup: fuseAt("/srv/fuse") });

async function upload(path: string, content: string): Promise<void> {
  const body = new FormData();
  body.append("file", new Blob([content]), "f");
  const response = await cases.daemon.fetch(`/files?username=user&path=${encodeURIComponent(path)}`, { method: "POST", body });
  expect(response.status).toBe(200);
}

cases.both("W01: an upload is three events, which the first question tells", async (files, place) => {
  const id = await files.createWatcher(place.path);
  await upload(place.at("f"), "hello");
  expect(told(await files.events(id))).toEqual(["CREATE f", "CHMOD f", "WRITE f"]);
  await files.removeWatcher(id);
});

cases.both("W02: what has been told, and a watcher that is gone", async (files, place) => {
  const id = await files.createWatcher(place.path);
  expect(id).toMatch(/^w[a-z0-9]{20}$/);
  create(place.in("f"), "x");
  expect(told(await files.events(id))).toEqual(["CREATE f", "WRITE f"]);
  expect(await files.events(id)).toEqual([]);
  await files.removeWatcher(id);
  const unknown = (name: string): object => ({ code: "not_found", message: `watcher with id ${name} not found`, status: 404 });
  expect(await failure(files.events(id))).toMatchObject(unknown(id));
  expect(await failure(files.removeWatcher(id))).toMatchObject(unknown(id));
  expect(await failure(files.removeWatcher("w1"))).toMatchObject(unknown("w1"));
});

cases.both("W03: a change right after the start is told", async (files, place) => {
  for (const recursive of [false, true]) {
    await withStream(files, place, { recursive }, async (stream) => {
      create(place.in("f"));
      expect(await stream.change()).toEqual({ name: "f", type: "EVENT_TYPE_CREATE" });
      rmSync(place.in("f"));
    });
  }
});

cases.both("W04: what happens to a file", async (files, place) => {
  create(place.in("f"), "old");
  await withStream(files, place, {}, async (_stream, changes) => {
    create(place.in("f"), "new");
    // The kernel makes one of two that are alike while nobody has read them.
    expect(new Set(await changes())).toEqual(new Set(["WRITE f"]));
    chmodSync(place.in("f"), 0o600);
    expect(await changes()).toEqual(["CHMOD f"]);
    utimesSync(place.in("f"), 1, 1);
    expect(await changes()).toEqual(["CHMOD f"]);
    rmSync(place.in("f"));
    expect(await changes()).toEqual(["REMOVE f"]);
  });
});

cases.both("W05: moves within, out and in", async (files, place) => {
  mkdirSync(place.in("../out"), { recursive: true });
  create(place.in("f"));
  await withStream(files, place, {}, async (_stream, changes) => {
    renameSync(place.in("f"), place.in("g"));
    expect(await changes()).toEqual(["RENAME f", "CREATE g"]);
    renameSync(place.in("g"), place.in("../out/g"));
    expect(await changes()).toEqual(["RENAME g"]);
    renameSync(place.in("../out/g"), place.in("h"));
    expect(await changes()).toEqual(["CREATE h"]);
  });
});

cases.both("W06: a move over a file", async (files, place) => {
  create(place.in("f"));
  create(place.in("g"));
  await withStream(files, place, {}, async (_stream, changes) => {
    renameSync(place.in("f"), place.in("g"));
    expect(await changes()).toEqual(["RENAME f", "CREATE g"]);
  });
});

cases.both("W13: a subdirectory tells what happens to it once", async (files, place) => {
  mkdirSync(place.in("sub"));
  await withStream(files, place, { recursive: true }, async (_stream, changes) => {
    chmodSync(place.in("sub"), 0o700);
    expect(await changes()).toEqual(["CHMOD sub"]);
    rmdirSync(place.in("sub"));
    expect(await changes()).toEqual(["REMOVE sub"]);
  });
});

cases.both("W14: the watched directory itself", async (files, place) => {
  mkdirSync(place.in("d"));
  const options = { keepalive: "1" };
  const stream = await files.with(options).watching(place.at("d"), { recursive: true });
  const id = await files.createWatcher(place.at("d"));
  chmodSync(place.in("d"), 0o700);
  rmdirSync(place.in("d"));
  expect(told([await stream.change(), await stream.change()])).toEqual(["CHMOD .", "REMOVE ."]);
  expect(told(await files.events(id))).toEqual(["CHMOD .", "REMOVE ."]);
  expect(await files.events(id)).toEqual([]);
  // It stays open, and a directory of the same name is another one.
  mkdirSync(place.in("d"));
  create(place.in("d/f"));
  expect((await stream.next())?.keepalive).toBeDefined();
  expect(await files.events(id)).toEqual([]);
  await files.removeWatcher(id);
  stream.close();
});

cases.both("W14: the watched directory moves", async (files, place) => {
  mkdirSync(place.in("d"));
  const id = await files.createWatcher(place.at("d"), { recursive: true });
  renameSync(place.in("d"), place.in("e"));
  create(place.in("e/f"));
  expect(told(await files.events(id))).toEqual(["RENAME ."]);
  await files.removeWatcher(id);
});

cases.both("W15: through a link", async (files, place) => {
  place.sh("mkdir -p d/sub; ln -s d link");
  for (const recursive of [false, true]) {
    const id = await files.createWatcher(place.at("link"), { recursive, includeEntry: true });
    create(place.in("d/f"));
    create(place.in("d/sub/g"));
    const events = await files.events(id);
    expect(told(events)).toEqual(recursive ? ["CREATE f", "CREATE sub/g"] : ["CREATE f"]);
    expect(events[0]?.entry?.path).toBe(place.at("link/f"));
    await files.removeWatcher(id);
    rmSync(place.in("d/f"));
    rmSync(place.in("d/sub/g"));
  }
});

cases.both("W16: what cannot be watched", async (files, place) => {
  create(place.in("f"));
  const fails = async (path: string): Promise<string[]> => {
    const created = await failure(files.createWatcher(path));
    const watched = await failure(files.watching(path));
    expect(watched).toMatchObject({ code: created.code, message: created.message, status: 200 });
    return [created.code, created.message];
  };
  const [code, message] = await fails(place.at("missing"));
  expect(code).toBe("not_found");
  expect(message).toStartWith(`path ${place.at("missing")} not found: `);
  expect(await fails(place.at("f"))).toEqual(["invalid_argument", `path ${place.at("f")} not a directory`]);
  expect(await fails("/srv/fuse")).toEqual(["invalid_argument", "cannot watch path on network filesystem: /srv/fuse"]);
  const id = await files.createWatcher("/srv/fuse", { allowNetworkMounts: true });
  expect(await files.events(id)).toEqual([]);
  await files.removeWatcher(id);
  (await files.watching("/srv/fuse", { allowNetworkMounts: true })).close();
});

cases.both("W17, W19: entries, where they are asked for", async (files, place) => {
  const make = (): void => {
    create(place.in("f"), "x");
    chmodSync(place.in("f"), 0o640);
    mkdirSync(place.in("d"));
  };
  await withStream(files, place, { includeEntry: true }, async (stream) => {
    make();
    const changes = await stream.until("CREATE d");
    expect(told(changes)).toEqual(["CREATE f", "WRITE f", "CHMOD f", "CREATE d"]);
    for (const { name, entry } of changes) {
      expect(entry).toMatchObject({ name, path: place.at(name), type: name === "f" ? "FILE_TYPE_FILE" : "FILE_TYPE_DIRECTORY", owner: "root" });
    }
    expect(changes.at(2)?.entry).toEqual(await files.stat(place.at("f")));
  });
  place.sh("rm -r f d");
  await withStream(files, place, {}, async (stream) => {
    make();
    for (const change of await stream.until("CREATE d")) expect(Object.keys(change).sort()).toEqual(["name", "type"]);
  });
});

cases.both("W18: what is removed has no entry, even where something new has its name", async (files, place) => {
  create(place.in("f"));
  const id = await files.createWatcher(place.path, { includeEntry: true });
  place.sh("rm f; echo >f; mv f g; echo >f");
  const events = (await files.events(id)).filter(({ type }) => type !== "EVENT_TYPE_WRITE");
  // Whether it finds the first new file depends on when it looks: for a moment there is none of that name.
  const entries = events.map((event, index) => [told([event])[0], index === 1 || event.entry !== undefined]);
  expect(entries).toEqual([
    ["REMOVE f", false], ["CREATE f", true], ["RENAME f", false], ["CREATE g", true], ["CREATE f", true],
  ]);
  await files.removeWatcher(id);
});

cases.both("W27: a watcher outlives the connection that has made it", async (files, place) => {
  const http = await HttpStream.open(files.port, "/filesystem.Filesystem/CreateWatcher", {
    "Content-Type": "application/json", "Content-Length": String(JSON.stringify({ path: place.path }).length),
  });
  http.send(Buffer.from(JSON.stringify({ path: place.path })));
  await http.head();
  const { watcherId } = JSON.parse((await http.take(Number(http.headers["content-length"]))).toString()) as { watcherId: string };
  http.close();
  create(place.in("f"));
  expect(told(await files.events(watcherId))).toEqual(["CREATE f"]);
  await files.removeWatcher(watcherId);
});

cases.both("W28: the old clients get names and types", async (files, place) => {
  const old = files.with({ headers: { "User-Agent": "connect-python" } });
  const id = await old.createWatcher(place.path, { includeEntry: true });
  const stream = await old.watching(place.path, { includeEntry: true });
  expect(stream.http.headers["x-e2b-legacy-sdk"]).toBe("true");
  create(place.in("f"));
  const plain: Change[] = [{ name: "f", type: "EVENT_TYPE_CREATE" }];
  expect(await old.events(id)).toEqual(plain);
  expect([await stream.change()]).toEqual(plain);
  appendFileSync(place.in("f"), "x");
  expect((await files.events(id))[0]?.entry?.path).toBe(place.at("f"));
  await files.removeWatcher(id);
  stream.close();
});

cases.leavesNothingOpen();
