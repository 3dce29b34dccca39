// ListDir; envd-rpc.md 4.4, 6.6.

import { expect } from "bun:test";
import { listenUnix } from "../libc.ts";
import { failure } from "./cases.ts";
import { FileCases } from "./file-cases.ts";
import type { Entry } from "./files.ts";

const cases = new FileCases();

function namesIn(root: string, entries: readonly Entry[]): string[] {
  const paths = entries.map(({ path }) => path);
  expect(paths.filter((path) => !path.startsWith(`${root}/`))).toEqual([]);
  return paths.map((path) => path.slice(root.length + 1));
}

cases.both("F26: to a depth", async (files, place) => {
  place.sh("mkdir -p test-dir/sub-dir-1 test-dir/sub-dir-2; printf hello >test-dir/sub-dir-1/file.txt");
  const list = async (depth?: number): Promise<string[]> => namesIn(place.path, await files.list(place.path, depth));
  expect(await list(0)).toEqual(["test-dir"]);
  expect(await list()).toEqual(["test-dir"]);
  expect(await list(1)).toEqual(["test-dir"]);
  expect(await list(2)).toEqual(["test-dir", "test-dir/sub-dir-1", "test-dir/sub-dir-2"]);
  expect(await list(3)).toEqual(["test-dir", "test-dir/sub-dir-1", "test-dir/sub-dir-1/file.txt", "test-dir/sub-dir-2"]);
  expect(await list(0xffffffff)).toHaveLength(4);
  const entry = (await files.list(place.path, 3))[2];
  expect(entry).toEqual(await files.stat(place.at("test-dir/sub-dir-1/file.txt")));
});

cases.both("F27: in the order of bytes, children before the next", async (files, place) => {
  place.sh("mkdir a; touch B a/x a.txt é z \"$(printf '\\360\\237\\230\\200')\" a/A");
  expect(namesIn(place.path, await files.list(place.path, 2))).toEqual(["B", "a", "a/A", "a/x", "a.txt", "z", "é", "😀"]);
});

cases.both("F28: through a link, told under the link", async (files, place) => {
  place.sh("mkdir -p d/e; echo >d/f; ln -s d link; ln -s link chain");
  for (const name of ["link", "chain", "link/"]) {
    const paths = (await files.list(place.at(name), 2)).map(({ path }) => path);
    expect(paths).toEqual([place.at(`${name.replace("/", "")}/e`), place.at(`${name.replace("/", "")}/f`)]);
  }
});

cases.both("F29: links are told and not followed", async (files, place) => {
  place.sh("mkdir -p d/e; echo >f; ln -s ../d d/to-dir; ln -s ../f d/to-file; ln -s self d/self");
  const entries = await files.list(place.at("d"), 3);
  expect(entries.map(({ name, type }) => [name, type])).toEqual([
    ["e", "FILE_TYPE_DIRECTORY"], ["self", undefined], ["to-dir", "FILE_TYPE_DIRECTORY"], ["to-file", "FILE_TYPE_FILE"],
  ]);
});

cases.both("F30: what is no directory", async (files, place) => {
  place.sh("echo >f; ln -s loop loop; ln -s gone dangling");
  const fails = async (name: string): Promise<string[]> => {
    const { code, message } = await failure(files.list(place.at(name)));
    return [code, message];
  };
  for (const name of ["missing", "dangling", "f/x"]) {
    expect((await fails(name))[0]).toBe("not_found");
    expect((await fails(name))[1]).toStartWith("path not found: ");
  }
  expect(await fails("f")).toEqual(["invalid_argument", `path is not a directory: ${place.at("f")}`]);
  const [code, message] = await fails("loop");
  expect(code).toBe("failed_precondition");
  expect(message).toStartWith("cyclic symlink or chain >255 links at ");
});

cases.both("F31: relative and empty paths", async (files, place) => {
  place.sh("echo >f");
  const name = place.path.slice("/home/user/".length);
  expect((await files.as("user").list(name)).map(({ path }) => path)).toEqual([place.at("f")]);
  expect((await files.as("user").list("")).map(({ path }) => path)).toContain(place.path);
  expect((await files.list(`${place.path}/../${name}/.`)).map(({ path }) => path)).toEqual([place.at("f")]);
});

cases.both("F32: what is no file, and names that are no text", async (files, place) => {
  place.sh(`mkfifo fifo; mkdir "$(printf 'x\\377')"; touch "$(printf 'x\\377/y\\303\\050')"`);
  listenUnix(place.in("sock"));
  const entries = await files.list(place.path, 2);
  expect(entries.map(({ name }) => name)).toEqual(["fifo", "sock", "x\ufffd", "y\ufffd("]);
  expect(entries[3]?.path).toBe(place.at("x\ufffd/y\ufffd("));
});

cases.once("F33: 50,000 entries while they are deleted", async (files, place) => {
  place.sh("mkdir big; cd big; seq -f %05.0f 0 49999 | xargs touch");
  expect(namesIn(place.at("big"), await files.list(place.at("big")))).toEqual(Array.from({ length: 50_000 }, (_, i) => `${i}`.padStart(5, "0")));
  const deleting = files.remove(place.at("big"));
  const listings = Promise.all([files.list(place.path, 2), files.list(place.path, 2)]);
  let health = 0;
  let isDone = false;
  const all = Promise.all([deleting, listings]).finally(() => (isDone = true));
  for (; !isDone; health++) expect((await cases.daemon.fetch("/health")).ok).toBe(true);
  await all;
  expect(health).toBeGreaterThan(10);
});

cases.both("F34: /proc, of which things vanish", async (files) => {
  const children = Array.from({ length: 3 }, () => Bun.spawn(["sh", "-c", "while :; do true & wait; done"]));
  try {
    const entries = await files.list("/proc", 2);
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.map(({ path }) => path)).toContain("/proc/self");
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
});

cases.both("a directory with nothing in it, and many directories deep", async (files, place) => {
  expect(await files.list(place.path)).toEqual([]);
  const half = Array.from({ length: 150 }, () => "dddddddddddddddddddd").join("/");
  place.sh(`mkdir -p ${half} u/${half}; mv u ${half}/u`);
  // As far as paths go.
  expect((await files.list(place.path, 1000)).length).toBeGreaterThan(190);
});

cases.leavesNothingOpen();
