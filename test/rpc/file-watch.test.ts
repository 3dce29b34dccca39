// Watching: WatchDir and the watchers that are asked; envd-rpc.md 4.5 to 4.7, 6.7.

import { expect } from "bun:test";
import { appendFileSync, chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmdirSync, rmSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { failure } from "./cases.ts";
import { FileCases, type Place } from "./file-cases.ts";
import { type Change, type ChangeStream, type Files, told } from "./files.ts";
import { HttpStream } from "./http.ts";

// The file system's server keeps the mount namespace in which it is mounted: it goes with the daemon.
const cases = new FileCases({ setup: `mkdir /srv/fuse; setpriv --pdeathsig KILL ${process.execPath} ${join(import.meta.dir, "fuse.ts")} /srv/fuse & while ! grep -q /srv/fuse /proc/self/mounts; do sleep 0.01; done` });

/** Makes a file, or empties one: no more than open(2), and write(2) where there is something to write. */
function create(path: string, content = ""): void {
  const fd = openSync(path, "w");
  if (content !== "") writeSync(fd, content);
  closeSync(fd);
}

/** A change that the stream tells, whose place in it is known: what comes before it has all come. */
async function changesOf(stream: ChangeStream, place: Place): Promise<string[]> {
  create(place.in("last"));
  const changes = told(await stream.until("CREATE last"));
  rmSync(place.in("last"));
  await stream.until("REMOVE last");
  return changes.slice(0, -1);
}

async function withStream(files: Files, place: Place, options: object, body: (stream: ChangeStream, changes: () => Promise<string[]>) => Promise<void>): Promise<void> {
  const stream = await files.watching(place.path, options);
  try {
    await body(stream, () => changesOf(stream, place));
  } finally {
    stream.close();
  }
}

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

cases.both("W07, W08: what is below, where that is asked for", async (files, place) => {
  mkdirSync(place.in("sub/deep"), { recursive: true });
  await withStream(files, place, { recursive: true }, async (_stream, changes) => {
    create(place.in("sub/f"), "x");
    create(place.in("sub/deep/g"));
    expect(await changes()).toEqual(["CREATE sub/f", "WRITE sub/f", "CREATE sub/deep/g"]);
  });
  await withStream(files, place, {}, async (_stream, changes) => {
    create(place.in("sub/h"), "x");
    expect(await changes()).toEqual([]);
  });
});

cases.both("W09: what is made in one go is all told, parents first", async (files, place) => {
  await withStream(files, place, { recursive: true }, async (stream, changes) => {
    for (let round = 0; round < 20; round++) {
      place.sh(`mkdir -p ${round}/b/c && echo x > ${round}/b/c/f`);
      const wanted = [`${round}`, `${round}/b`, `${round}/b/c`, `${round}/b/c/f`].map((name) => `CREATE ${name}`);
      const all = await changes();
      expect([...new Set(all.filter((change) => change.startsWith("CREATE")))]).toEqual(wanted);
    }
    expect(stream.keepalives).toBe(0);
  });
});

cases.both("W09: thousands of directories, made and filled as fast as can be", async (files, place) => {
  const id = await files.createWatcher(place.path, { recursive: true });
  place.sh("for a in 1 2 3 4 5 6 7 8; do (for b in $(seq 40); do mkdir -p $a/$b/c; echo >$a/$b/c/f; done) & done; wait");
  const names = new Set((await files.events(id)).filter(({ type }) => type === "EVENT_TYPE_CREATE").map(({ name }) => name));
  expect(names.size).toBe(8 + 8 * 40 * 3);
  await files.removeWatcher(id);
});

cases.both("W10: a directory that comes later", async (files, place) => {
  await withStream(files, place, { recursive: true }, async (_stream, changes) => {
    mkdirSync(place.in("new"));
    expect(await changes()).toEqual(["CREATE new"]);
    create(place.in("new/f"), "x");
    expect(await changes()).toEqual(["CREATE new/f", "WRITE new/f"]);
  });
});

cases.both("W11: a directory that is renamed", async (files, place) => {
  place.sh("mkdir -p sub/deep subx");
  await withStream(files, place, { recursive: true }, async (_stream, changes) => {
    renameSync(place.in("sub"), place.in("sub2"));
    create(place.in("sub2/x"));
    create(place.in("sub2/deep/y"));
    create(place.in("subx/z"));
    expect(await changes()).toEqual(["RENAME sub", "CREATE sub2", "CREATE sub2/x", "CREATE sub2/deep/y", "CREATE subx/z"]);
    // Into another directory, and a new one of the old name.
    renameSync(place.in("sub2"), place.in("subx/sub"));
    mkdirSync(place.in("sub2"));
    create(place.in("subx/sub/deep/a"));
    create(place.in("sub2/b"));
    const all = await changes();
    expect(all).toContain("CREATE subx/sub/deep/a");
    expect(all).toContain("CREATE sub2/b");
    expect([...new Set(all)]).toHaveLength(5);
  });
});

cases.both("W12: a directory that is moved away, and one that comes back", async (files, place) => {
  mkdirSync(place.in("../out"), { recursive: true });
  mkdirSync(place.in("sub/deep"), { recursive: true });
  const outside = place.in("../out/sub");
  rmSync(outside, { recursive: true, force: true });
  await withStream(files, place, { recursive: true }, async (_stream, changes) => {
    renameSync(place.in("sub"), outside);
    create(join(outside, "x"));
    create(join(outside, "deep/x"));
    expect(await changes()).toEqual(["RENAME sub"]);
    create(join(outside, "deep/y"));
    expect(await changes()).toEqual([]);
    renameSync(outside, place.in("sub3"));
    create(place.in("sub3/deep/z"));
    expect(new Set(await changes())).toEqual(new Set(["sub3", "sub3/x", "sub3/deep", "sub3/deep/x", "sub3/deep/y", "sub3/deep/z"].map((name) => `CREATE ${name}`)));
  });
});

cases.both("W12: the watches of what was moved away are given back", async (files, place) => {
  mkdirSync(place.in("../out"), { recursive: true });
  place.sh("rm -rf ../out/many; mkdir -p many; cd many; mkdir $(seq 50)");
  const before = watches();
  const stream = await files.watching(place.path, { recursive: true });
  expect(watches() - before).toBe(52);
  renameSync(place.in("many"), place.in("../out/many"));
  await until("they are gone", 20, () => watches() === before + 1);
  stream.close();
  await until("the watcher is gone", 20, () => watches() === before);
});

/** All watches of the daemon. */
function watches(): number {
  return Bun.spawnSync(["sh", "-c", `cat /proc/${cases.daemon.pid}/fdinfo/*`]).stdout.toString().split("\n").filter((line) => line.startsWith("inotify ")).length;
}

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
  expect(events.map((event) => [told([event])[0], event.entry !== undefined])).toEqual([
    ["REMOVE f", false], ["CREATE f", true], ["RENAME f", false], ["CREATE g", true], ["CREATE f", true],
  ]);
  await files.removeWatcher(id);
});

const QUEUE = "/proc/sys/fs/inotify/max_queued_events";

/** Makes what is watched in `body` hold no more than so many events in the kernel. */
async function withKernelQueue<T>(limit: number, body: () => Promise<T>): Promise<T> {
  const usual = readFileSync(QUEUE, "utf8");
  writeFileSync(QUEUE, `${limit}`);
  try {
    return await body();
  } finally {
    writeFileSync(QUEUE, usual);
  }
}

/** Stops the daemon while something happens. */
function whileStopped(body: () => void): void {
  cases.daemon.kill("SIGSTOP");
  body();
  cases.daemon.kill("SIGCONT");
}

cases.both("W20: lost events are an error", async (files, place) => {
  const [id, stream] = await withKernelQueue(16, async () => [await files.createWatcher(place.path), await files.watching(place.path)] as const);
  whileStopped(() => place.sh("touch $(seq 100)"));
  const error = await failure(stream.until("CREATE 100"));
  expect(error.code).toBe("internal");
  expect(error.message).toStartWith("watcher error: ");
  // What was there before is told, once.
  const events = await files.events(id);
  expect(events.length).toBeGreaterThan(5);
  expect(events.length).toBeLessThan(20);
  for (let round = 0; round < 2; round++) {
    const sticky = await failure(files.events(id));
    expect([sticky.code, sticky.message.startsWith("watcher error: ")]).toEqual(["internal", true]);
  }
  await files.removeWatcher(id);
  expect((await failure(files.events(id))).code).toBe("not_found");
});

/** As many events in a directory, about a name of this length. */
function burst(place: Place, count: number, length = 1): void {
  const names = [place.in("a".repeat(length)), place.in("b".repeat(length))] as const;
  create(names[0]);
  for (let i = 0; i < count / 2; i++) renameSync(names[i % 2 === 0 ? 0 : 1], names[i % 2 === 0 ? 1 : 0]);
}

cases.once("W21: who never asks costs no more than a bound", async (files, place) => {
  const id = await files.createWatcher(place.path);
  const before = cases.daemon.memory();
  burst(place, 1_000_000);
  // The kernel's queue may overflow first; either way it ends.
  const first = await files.events(id);
  expect(first.length).toBeGreaterThan(0);
  expect(first.length).toBeLessThanOrEqual(65_536);
  expect((await failure(files.events(id))).message).toStartWith("watcher error: ");
  await files.removeWatcher(id);
  expect(cases.daemon.memory().rss - before.rss).toBeLessThan(100_000_000);
});

cases.both("W22: a client that does not read", async (files, place) => {
  const before = watches();
  const stream = await files.watch(place.path);
  stream.http.socket.pause();
  await until("it watches", 20, () => watches() === before + 1);
  // More than the sockets hold.
  burst(place, 200_000, 200);
  await until("it is given up", 20, () => watches() === before);
  await stream.started();
  const error = await failure(stream.until("none"));
  expect([error.code, error.message.startsWith("watcher error: ")]).toEqual(["internal", true]);
});

cases.once("W23: nothing is left of clients that are gone", async (files, place) => {
  place.sh("mkdir -p a/b/c");
  const before = watches();
  for (let round = 0; round < 100; round++) {
    const stream = await files.watching(place.path, { recursive: true });
    if (round % 2 === 0) stream.http.reset();
    else stream.close();
  }
  await until("all are gone", 20, () => watches() === before);
});

cases.both("W24: a watch on which nothing happens", async (files, place) => {
  const before = watches();
  const idle = await files.with({ keepalive: "1" }).watching(place.path);
  for (let count = 0; count < 2; count++) expect(Object.keys((await idle.next()) ?? {})).toEqual(["keepalive"]);
  idle.close();
  const stream = await files.with({ timeout: 1000 }).watching(place.path);
  const error = await failure(stream.change());
  expect(error).toMatchObject({ code: "deadline_exceeded", message: "context deadline exceeded" });
  await until("it is gone", 20, () => watches() === before);
});

cases.both("W25: two who ask at once get everything once", async (files, place) => {
  const id = await files.createWatcher(place.path);
  const making = Bun.spawn(["sh", "-c", `cd ${place.in("")}; for i in $(seq 2000); do : >$i; done`]);
  const names: string[] = [];
  const take = async (): Promise<void> => {
    const events = await files.events(id);
    names.push(...events.map(({ name }) => name));
  };
  while (making.exitCode === null) await Promise.all([take(), take()]);
  await Promise.all([take(), take()]);
  expect(names.length).toBe(2000);
  expect(new Set(names).size).toBe(2000);
  await files.removeWatcher(id);
});

cases.once("W26: a hundred watchers of one directory", async (files, place) => {
  const before = watches();
  const ids = await Promise.all(Array.from({ length: 100 }, () => files.createWatcher(place.path)));
  create(place.in("f"), "x");
  for (const id of ids) expect(told(await files.events(id))).toEqual(["CREATE f", "WRITE f"]);
  await Promise.all(ids.map((id) => files.removeWatcher(id)));
  expect(watches()).toBe(before);
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

cases.both("too many watchers are an error, and no more", async (files, place) => {
  const ids: string[] = [];
  let error: { code: string } | undefined;
  const limit = Number(readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8"));
  while (error === undefined && ids.length <= limit) {
    try {
      ids.push(await files.createWatcher(place.path));
    } catch (thrown) {
      error = thrown as { code: string };
    }
  }
  expect(error?.code).toBe("internal");
  expect((await failure(files.watching(place.path))).code).toBe("internal");
  await Promise.all(ids.map((id) => files.removeWatcher(id)));
  (await files.watching(place.path)).close();
});

cases.once("nothing stays open", async () => {
  await until("all is closed", 20, () => cases.leftOpen().length === 0);
  expect(existsSync(`/proc/${cases.daemon.pid}`)).toBe(true);
});
