// MakeDir, Move and Remove, and what the old clients are told; envd-rpc.md 1.3, 4.3, 6.6.

import { expect } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { setAttribute } from "../../sys/xattr.ts";
import { failure } from "./cases.ts";
import { FileCases, type Place } from "./file-cases.ts";
import type { Files } from "./files.ts";

// /srv is another file system than /home.
const cases = new FileCases();

function ownerOf(place: Place, name: string): [number, number] {
  const { uid, gid } = lstatSync(place.in(name));
  return [uid, gid];
}

cases.both("F11: a directory is made with those above it, for the user", async (files, place) => {
  const entry = await files.as("user").makeDir(place.at("a/b/c"));
  expect(entry).toMatchObject({ name: "c", type: "FILE_TYPE_DIRECTORY", path: place.at("a/b/c"), mode: 0o755, owner: "user", group: "user" });
  for (const name of ["a", "a/b", "a/b/c"]) {
    expect([...ownerOf(place, name), statSync(place.in(name)).mode & 0o7777]).toEqual([1000, 1000, 0o755]);
  }
  place.sh("mkdir -m 0700 own");
  await files.as("user").makeDir(`${place.path.slice("/home/user/".length)}/own/d/`);
  expect([...ownerOf(place, "own"), statSync(place.in("own")).mode & 0o7777]).toEqual([0, 0, 0o700]);
});

cases.both("F12: a directory that is there already", async (files, place) => {
  place.sh("mkdir d; ln -s d link");
  for (const name of ["d", "link"]) {
    const error = await failure(files.makeDir(place.at(name)));
    expect([error.code, error.status, error.message]).toEqual(["already_exists", 409, `directory already exists: ${place.at(name)}`]);
  }
});

cases.both("F13: where a file is", async (files, place) => {
  place.sh("echo >f; ln -s nothing dangling");
  for (const name of ["f", "dangling"]) {
    const error = await failure(files.makeDir(place.at(name)));
    expect([error.code, error.message]).toEqual(["invalid_argument", `path already exists but it is not a directory: ${place.at(name)}`]);
  }
  expect((await failure(files.makeDir(place.at("f/d")))).code).toBe("invalid_argument");
});

cases.both("F14: 50 at a time in a directory that none has made", async (files, place) => {
  const names = Array.from({ length: 50 }, (_, index) => `x/${index}`);
  await Promise.all(names.map((name) => files.as("user").makeDir(place.at(name))));
  expect(readdirSync(place.in("x")).length).toBe(50);
  expect(ownerOf(place, "x")).toEqual([1000, 1000]);
});

cases.both("F15: files, directories and links move, over what is there", async (files, place) => {
  place.sh("echo 1 >f; mkdir d; echo 2 >d/x; ln -s nowhere link; echo old >there; mkdir empty");
  expect(await files.move(place.at("f"), place.at("g"))).toMatchObject({ name: "g", path: place.at("g"), type: "FILE_TYPE_FILE" });
  expect((await files.move(place.at("d"), place.at("empty"))).type).toBe("FILE_TYPE_DIRECTORY");
  expect(readFileSync(place.in("empty/x"), "utf8")).toBe("2\n");
  await files.move(place.at("link"), place.at("moved"));
  expect(readlinkSync(place.in("moved"))).toBe("nowhere");
  await files.move(place.at("g"), place.at("there"));
  expect(readFileSync(place.in("there"), "utf8")).toBe("1\n");
  expect(readdirSync(place.in("")).sort()).toEqual(["empty", "moved", "there"]);
});

cases.both("F16: a source that is not there", async (files, place) => {
  const error = await failure(files.move(place.at("missing"), place.at("new/x")));
  expect(error.code).toBe("not_found");
  expect(error.message).toStartWith("source file not found");
  expect(existsSync(place.in("new"))).toBe(false);
});

cases.both("F17: the directories above the target are made", async (files, place) => {
  place.sh("echo >f");
  await files.as("user").move(place.at("f"), place.at("a/b/g"));
  expect([ownerOf(place, "a"), ownerOf(place, "a/b"), ownerOf(place, "a/b/g")]).toEqual([[1000, 1000], [1000, 1000], [0, 0]]);
});

cases.both("F18: what cannot be moved stays", async (files, place) => {
  place.sh("mkdir -p d/e full/x; echo >d/e/f; echo >file");
  for (const [from, to] of [["d", "d/e/d"], ["d", "full"], ["file", "full"], ["d", "file"], ["d", "file/x"]] as const) {
    expect([from, to, (await failure(files.move(place.at(from), place.at(to)))).code]).toEqual([from, to, "internal"]);
  }
  expect([existsSync(place.in("d/e/f")), existsSync(place.in("full/x")), existsSync(place.in("file"))]).toEqual([true, true, true]);
});

/** A path in the other file system, and the same for the tests. */
function away(place: Place, name: string): [string, string] {
  const path = `/srv/${place.path.split("/").at(-1)}/${name}`;
  return [path, place.daemon.inside(path)];
}

cases.both("F19: to another file system, with all that it has", async (files, place) => {
  place.sh(`mkdir -p t/sub/deep t/empty
    head -c 1000000 /dev/urandom >t/sub/data; chown 1000:2000 t/sub/data; chmod 4751 t/sub/data; touch -d @1500000000.25 t/sub/data
    printf x >t/sub/deep/x; ln -s ../gone t/link; chown -h 1000:1000 t/link; mkfifo -m 0640 t/fifo
    chmod 2770 t/empty; chown 1000:1000 t/empty; touch -d @1400000000 t/sub`);
  setAttribute(place.in("t/sub/data"), "user.e2b.k", Buffer.from("v"));
  setAttribute(place.in("t"), "user.e2b.of", Buffer.from("t"));
  const [path, target] = away(place, "new/t");
  const data = readFileSync(place.in("t/sub/data"));
  const entry = await files.as("user").move(place.at("t"), path);
  expect(entry).toMatchObject({ name: "t", path, type: "FILE_TYPE_DIRECTORY", metadata: { of: "t" } });
  expect(existsSync(place.in("t"))).toBe(false);
  expect(readFileSync(`${target}/sub/data`).equals(data)).toBe(true);
  const status = statSync(`${target}/sub/data`);
  expect([status.uid, status.gid, status.mode & 0o7777, status.mtimeMs]).toEqual([1000, 2000, 0o4751, 1_500_000_000_250]);
  expect((await files.stat(`${path}/sub/data`)).metadata).toEqual({ k: "v" });
  expect(readlinkSync(`${target}/link`)).toBe("../gone");
  expect(lstatSync(`${target}/link`).uid).toBe(1000);
  expect((await files.stat(`${path}/fifo`)).permissions).toBe("prw-r-----");
  expect(statSync(`${target}/empty`).mode & 0o7777).toBe(0o2770);
  expect(statSync(`${target}/sub`).mtimeMs).toBe(1_400_000_000_000);
  expect(readFileSync(`${target}/sub/deep/x`, "utf8")).toBe("x");
  expect(readdirSync(`${target}/..`)).toEqual(["t"]);
});

cases.both("F19: single files, over what is there", async (files, place) => {
  place.sh("printf new >f; ln -s f link; chmod 0600 f");
  const [path, target] = away(place, "f");
  const [link] = away(place, "link");
  await files.move(place.at("link"), link);
  await files.move(place.at("f"), link);
  await files.move(link, place.at("back"));
  expect(readFileSync(place.in("back"), "utf8")).toBe("new");
  expect(statSync(place.in("back")).mode & 0o777).toBe(0o600);
  await files.move(place.at("back"), path);
  expect(readFileSync(target, "utf8")).toBe("new");
  expect(readdirSync(place.in(""))).toEqual([]);
});

cases.both("F19: what cannot take the target's place leaves no trace, and the source", async (files, place) => {
  place.sh("mkdir -p t/x; echo 1 >t/f; echo >file");
  const [full, target] = away(place, "full");
  await files.makeDir(`${full}/inner`);
  for (const name of ["t", "file"]) expect((await failure(files.move(place.at(name), full))).code).toBe("internal");
  expect([readdirSync(target), readdirSync(`${target}/..`)]).toEqual([["inner"], ["full"]]);
  expect(readFileSync(place.in("t/f"), "utf8")).toBe("1\n");
});

cases.both("F20: whatever is removed, what links lead to stays", async (files, place) => {
  place.sh("mkdir -p kept/x t/a/b; echo >kept/f; echo >f; echo >t/a/f; ln -s ../../kept t/a/link; ln -s kept link; chmod 0 t/a/b");
  for (const name of ["f", "t", "link/", "missing", "kept/f/x"]) await files.remove(place.at(name));
  expect(readdirSync(place.in(""))).toEqual(["kept"]);
  expect(readdirSync(place.in("kept")).sort()).toEqual(["f", "x"]);
  await files.remove(`${place.at("kept")}//`);
  expect(readdirSync(place.in(""))).toEqual([]);
});

cases.both("F20: a tree deeper than any path", async (files, place) => {
  const half = Array.from({ length: 150 }, () => "dddddddddddddddddddd").join("/");
  place.sh(`mkdir -p t/${half} u/${half}; echo >u/${half}/f; mv u t/${half}/u`);
  await files.remove(place.at("t"));
  expect(existsSync(place.in("t"))).toBe(false);
});

cases.both("F20: what cannot be removed", async (files, place) => {
  place.sh("mkdir mnt; mount -t tmpfs x mnt; echo >mnt/f");
  const error = await failure(files.remove(place.at("mnt")));
  expect(error.code).toBe("internal");
  expect(error.message).toStartWith("error removing file or directory: ");
  expect(existsSync(place.in("mnt/f"))).toBe(true);
  place.sh("umount mnt");
});

cases.both("F21: neither everything nor nothing", async (files, place) => {
  place.sh("echo >f");
  for (const path of ["", "/", "//", "/.", "/home/..", "//."]) {
    expect([path, (await failure(files.remove(path))).code]).toEqual([path, "invalid_argument"]);
    expect([path, (await failure(files.move(path, place.at("x")))).code]).toEqual([path, "invalid_argument"]);
    expect([path, (await failure(files.move(place.at("f"), path))).code]).toEqual([path, "invalid_argument"]);
  }
  expect(existsSync(place.in("f"))).toBe(true);
});

cases.both("F21: nor what is above where a symbolic link leads to", async (files, place) => {
  place.sh("mkdir -p deep/a; echo >deep/kept; ln -s deep/a link; echo >f");
  for (const path of ["link/..", "link/../", "deep/a/..", "deep/."].map((name) => place.at(name))) {
    expect([path, (await failure(files.remove(path))).code]).toEqual([path, "invalid_argument"]);
    expect([path, (await failure(files.move(path, place.at("x")))).code]).toEqual([path, "invalid_argument"]);
    expect([path, (await failure(files.move(place.at("f"), path))).code]).toEqual([path, "invalid_argument"]);
  }
  expect(existsSync(place.in("deep/kept"))).toBe(true);
  // Before the last name they mean what they mean to the kernel.
  await files.remove(place.at("link/../kept"));
  expect(existsSync(place.in("deep/kept"))).toBe(false);
});

/** Calls List until a promise is there. Returns how often, and what of it all took longest; milliseconds. */
async function listMeanwhile(files: Files, work: Promise<unknown>): Promise<[number, number]> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  let count = 0;
  let longest = 0;
  while (!isDone) {
    const start = performance.now();
    await fetch(`http://127.0.0.1:${files.port}/process.Process/List`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    longest = Math.max(longest, performance.now() - start);
    count += 1;
  }
  await done;
  return [count, longest];
}

cases.once("F22: a large tree is removed in slices", async (files, place) => {
  place.sh("mkdir $(seq 100); for d in *; do (cd $d; seq 1000 | xargs touch); done");
  const [count] = await listMeanwhile(files, files.remove(place.path));
  expect(existsSync(place.daemon.inside(place.path))).toBe(false);
  // Every turn of the loop in between may answer one: a removal in one piece answers none.
  expect(count).toBeGreaterThan(10);
});

cases.both("F23: metadata moves along", async (files, place) => {
  place.sh("echo >f");
  setAttribute(place.in("f"), "user.e2b.k", Buffer.from("v"));
  expect((await files.move(place.at("f"), place.at("g"))).metadata).toEqual({ k: "v" });
});

cases.both("F24: the old clients get three fields, and a field in the head", async (files, place) => {
  const old = files.with({ headers: { "User-Agent": "connect-python" } });
  place.sh("mkdir t; echo >t/f");
  const short = (name: string, type: string): object => ({ name: name.split("/").at(-1), type, path: place.at(name) });
  expect(await old.stat(place.at("t/f"))).toEqual(short("t/f", "FILE_TYPE_FILE") as never);
  expect(await old.list(place.at("t"))).toEqual([short("t/f", "FILE_TYPE_FILE")] as never);
  expect(await old.makeDir(place.at("d"))).toEqual(short("d", "FILE_TYPE_DIRECTORY") as never);
  expect(await old.move(place.at("d"), place.at("e"))).toEqual(short("e", "FILE_TYPE_DIRECTORY") as never);
});

cases.once("F24, F25: the field is there for them alone, and only once", async () => {
  const place = cases.place();
  const head = async (agent: string, method: string, request: object): Promise<string | null> => {
    const files = cases.files("json").with({ headers: { "User-Agent": agent } });
    return (await files.post(method, Buffer.from(JSON.stringify(request)))).headers.get("x-e2b-legacy-sdk");
  };
  for (const method of ["Stat", "ListDir", "Remove"]) {
    expect([method, await head("connect-python", method, { path: place.path })]).toEqual([method, "true"]);
  }
  expect(await head("connect-python", "Stat", { path: place.at("missing") })).toBeNull();
  for (const agent of ["connect-python/1", "Connect-Python", "e2b-python-sdk/1"]) expect(await head(agent, "Stat", { path: "/" })).toBeNull();
});

cases.both("F25: other clients, and errors, are told all", async (files, place) => {
  const old = files.with({ headers: { "User-Agent": "connect-python" } });
  expect(await failure(old.stat(place.at("missing")))).toMatchObject({ code: "not_found", status: 404 });
  expect((await files.with({ headers: { "User-Agent": "connect-python/1" } }).stat("/")).owner).toBe("root");
});

cases.leavesNothingOpen();
