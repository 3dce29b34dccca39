// Watchers that ask late, do not read, leave, or are many; envd-rpc.md 4.5 to 4.7, 6.7.

import { expect, test } from "bun:test";
import { readFileSync, renameSync } from "node:fs";
import { Daemon } from "../envd/daemon.ts";
import * as proc from "../proc.ts";
import { until, untilSync } from "../until.ts";
import { failure } from "./cases.ts";
import { codecs } from "./call.ts";
import { FileCases, type Place } from "./file-cases.ts";
import { Files, told } from "./files.ts";
import { create, watches } from "./watching.ts";

const cases = new FileCases();

/** How many events the kernel keeps for who does not read them. */
const QUEUE = Number(readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));

/** Stops the daemon while something happens. */
function whileStopped(body: () => void): void {
  const { daemon } = cases;
  daemon.kill("SIGSTOP");
  untilSync("it is stopped", 5, () => proc.state(daemon.pid) === "T");
  body();
  daemon.kill("SIGCONT");
}

/** As many events in a directory, about a name of this length. */
function burst(place: Place, count: number, length = 1): void {
  const names = [place.in("a".repeat(length)), place.in("b".repeat(length))] as const;
  create(names[0]);
  for (let i = 0; i < count / 2; i++) renameSync(names[i % 2 === 0 ? 0 : 1], names[i % 2 === 0 ? 1 : 0]);
}

cases.both("W20: lost events are an error", async (files, place) => {
  const id = await files.createWatcher(place.path);
  const stream = await files.watching(place.path);
  whileStopped(() => burst(place, 2 * QUEUE));
  const error = await failure(stream.until("none"));
  expect(error.code).toBe("internal");
  expect(error.message).toStartWith("watcher error: ");
  // What was there before is told, once.
  const events = await files.events(id);
  expect(events.length).toBeGreaterThan(QUEUE / 2);
  expect(events.length).toBeLessThanOrEqual(QUEUE);
  for (let round = 0; round < 2; round++) {
    const sticky = await failure(files.events(id));
    expect([sticky.code, sticky.message.startsWith("watcher error: ")]).toEqual(["internal", true]);
  }
  await files.removeWatcher(id);
  expect((await failure(files.events(id))).code).toBe("not_found");
});

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

/** Watchers that the kernel gives the daemon of the next test: those of this machine are everybody's. */
const WATCHERS = 16;
const fewWatchers = ["unshare", "--user", "--map-root-user", "sh", "-c", `echo ${WATCHERS} >/proc/sys/user/max_inotify_instances && exec "$@"`, "sh"];

test.each(codecs)("too many watchers are an error, and no more (%s)", (codec) =>
  Daemon.with({ launcher: fewWatchers }, async (daemon) => {
    const files = new Files(daemon.port, codec);
    const watcher = async (): Promise<() => void | Promise<void>> => {
      const id = await files.createWatcher("/srv");
      return () => files.removeWatcher(id);
    };
    const stream = async (): Promise<() => void | Promise<void>> => {
      const watching = await files.watching("/srv");
      return () => watching.close();
    };
    for (const open of [watcher, stream]) {
      const opened: (() => void | Promise<void>)[] = [];
      while (opened.length < WATCHERS) opened.push(await open());
      const error = await failure(open());
      expect([error.code, error.message]).toEqual(["internal", "error creating watcher: inotify_init: Too many open files"]);
      await Promise.all(opened.map((close) => close()));
      await until("there is room again", 20, async () => {
        const close = await open().catch(() => undefined);
        await close?.();
        return close !== undefined;
      });
      await until("all of it", 20, () => watches(daemon) === 0);
    }
  }));

cases.leavesNothingOpen();
