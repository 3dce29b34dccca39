// Directories that are moved while a recursive watch finds them; envd-rpc.md 4.5, 6.7.

import { expect } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { FileCases, type Place } from "./file-cases.ts";
import { type Files, told } from "./files.ts";

const cases = new FileCases();
const ROUNDS = 200;

/** What happens inside the directories of those names is told under them. */
async function expectWatched(files: Files, place: Place, id: string, names: readonly string[]): Promise<void> {
  await files.events(id);
  for (const name of names) writeFileSync(place.in(`${name}/f`), "");
  const changes = told(await files.events(id));
  const missing = names.filter((name) => !changes.includes(`CREATE ${name}/f`));
  const foreign = changes.filter((change) => !names.includes(change.slice(change.indexOf(" ") + 1, -2)));
  expect([missing, foreign]).toEqual([[], []]);
}

cases.both("W11: a name that is used again at once for the next directory", async (files, place) => {
  const id = await files.createWatcher(place.path, { recursive: true });
  const names = Array.from({ length: ROUNDS }, (_, i) => `out${i}`);
  for (const name of names) {
    mkdirSync(place.in("tmp"));
    renameSync(place.in("tmp"), place.in(name));
  }
  await expectWatched(files, place, id, names);
  await files.removeWatcher(id);
});

cases.both("W09, W11: a tree that is moved as soon as it has been made", async (files, place) => {
  const id = await files.createWatcher(place.path, { recursive: true });
  const names = Array.from({ length: ROUNDS }, (_, i) => `out${i}`);
  for (const name of names) {
    mkdirSync(place.in("tmp/a/b/c"), { recursive: true });
    renameSync(place.in("tmp"), place.in(name));
  }
  await expectWatched(files, place, id, names.map((name) => `${name}/a/b/c`));
  await files.removeWatcher(id);
});

cases.both("W11, W12: directories that change places, and one that leaves", async (files, place) => {
  for (const name of ["a/x", "b/y", "away"]) mkdirSync(place.in(name), { recursive: true });
  const id = await files.createWatcher(place.path, { recursive: true });
  for (let i = 0; i < ROUNDS + 1; i++) {
    renameSync(place.in("a"), place.in("t"));
    renameSync(place.in("b"), place.in("a"));
    renameSync(place.in("t"), place.in("b"));
  }
  renameSync(place.in("away"), cases.daemon.inside(`/home/user/away-${files.codec}`));
  await expectWatched(files, place, id, ["a/y", "b/x"]);
  rmSync(cases.daemon.inside(`/home/user/away-${files.codec}`), { recursive: true });
  expect(await files.events(id)).toEqual([]);
  await files.removeWatcher(id);
});
