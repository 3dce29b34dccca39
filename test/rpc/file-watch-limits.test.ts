// Watchers that ask late, do not read, leave, or are many; envd-rpc.md 4.5 to 4.7, 6.7.

import { expect } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { until } from "../until.ts";
import { failure } from "./cases.ts";
import { CallError } from "./call.ts";
import { FileCases, type Place } from "./file-cases.ts";
import { told } from "./files.ts";
import { create, watches } from "./watching.ts";

const cases = new FileCases();

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
  const before = watches(cases.daemon);
  const stream = await files.watch(place.path);
  stream.http.socket.pause();
  await until("it watches", 20, () => watches(cases.daemon) === before + 1);
  // More than the sockets hold.
  burst(place, 200_000, 200);
  await until("it is given up", 20, () => watches(cases.daemon) === before);
  await stream.started();
  const error = await failure(stream.until("none"));
  expect([error.code, error.message.startsWith("watcher error: ")]).toEqual(["internal", true]);
});

cases.once("W23: nothing is left of clients that are gone", async (files, place) => {
  place.sh("mkdir -p a/b/c");
  const before = watches(cases.daemon);
  for (let round = 0; round < 100; round++) {
    const stream = await files.watching(place.path, { recursive: true });
    if (round % 2 === 0) stream.http.reset();
    else stream.close();
  }
  await until("all are gone", 20, () => watches(cases.daemon) === before);
});

cases.both("W24: a watch on which nothing happens", async (files, place) => {
  const before = watches(cases.daemon);
  const idle = await files.with({ keepalive: "1" }).watching(place.path);
  for (let count = 0; count < 2; count++) expect(Object.keys((await idle.next()) ?? {})).toEqual(["keepalive"]);
  idle.close();
  const stream = await files.with({ timeout: 1000 }).watching(place.path);
  const error = await failure(stream.change());
  expect(error).toMatchObject({ code: "deadline_exceeded", message: "context deadline exceeded" });
  await until("it is gone", 20, () => watches(cases.daemon) === before);
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
  const before = watches(cases.daemon);
  const ids = await Promise.all(Array.from({ length: 100 }, () => files.createWatcher(place.path)));
  create(place.in("f"), "x");
  for (const id of ids) expect(told(await files.events(id))).toEqual(["CREATE f", "WRITE f"]);
  await Promise.all(ids.map((id) => files.removeWatcher(id)));
  expect(watches(cases.daemon)).toBe(before);
});

cases.both("too many watchers are an error, and no more", async (files, place) => {
  const limit = Number(readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8"));
  const watcher = async (): Promise<() => void | Promise<void>> => {
    const id = await files.createWatcher(place.path);
    return () => files.removeWatcher(id);
  };
  const stream = async (): Promise<() => void | Promise<void>> => {
    const watching = await files.watching(place.path);
    return () => watching.close();
  };
  for (const open of [watcher, stream]) {
    // Whoever else runs as root on this machine takes and gives back such places meanwhile.
    const opened: (() => void | Promise<void>)[] = [];
    let error: CallError | undefined;
    while (error === undefined && opened.length <= limit) {
      try {
        opened.push(await open());
      } catch (thrown) {
        if (!(thrown instanceof CallError)) throw thrown;
        error = thrown;
      }
    }
    expect([error?.code, error?.message]).toEqual(["internal", "error creating watcher: inotify_init: Too many open files"]);
    await Promise.all(opened.map((close) => close()));
    await until("there is room again", 20, async () => {
      const close = await open().catch(() => undefined);
      await close?.();
      return close !== undefined;
    });
  }
});

cases.leavesNothingOpen();
