// Watching what is below a directory, as it is made, renamed and moved away; envd-rpc.md 4.5, 6.7.

import { expect } from "bun:test";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { FileCases } from "./file-cases.ts";
import { create, watches, withStream } from "./watching.ts";

const cases = new FileCases();

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
  const before = watches(cases.daemon);
  const stream = await files.watching(place.path, { recursive: true });
  expect(watches(cases.daemon) - before).toBe(52);
  renameSync(place.in("many"), place.in("../out/many"));
  await until("they are gone", 20, () => watches(cases.daemon) === before + 1);
  stream.close();
  await until("the watcher is gone", 20, () => watches(cases.daemon) === before);
});

cases.leavesNothingOpen();
