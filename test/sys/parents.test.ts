// Directories on the way to a file, made where they are missing.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Errno } from "../../sys/errno.ts";
import { ensureDirectories, NotDirectoryError } from "../../sys/parents.ts";
import { errnoOf } from "./errno-of.ts";
import { scratchFiles } from "./scratch-files.ts";

const { fresh } = scratchFiles();

describe("parents", () => {
  const owners = (path: string): number[] => [statSync(path).uid, statSync(path).gid, statSync(path).mode & 0o7777];

  test("those that are missing are made for the owner, the others stay", () => {
    const root = fresh();
    mkdirSync(root);
    chmodSync(root, 0o711);
    ensureDirectories(`${root}//a/../a/./b/c/`, 1000, 1001);
    expect(owners(root)).toEqual([0, 0, 0o711]);
    for (const made of ["a", "a/b", "a/b/c"]) expect(owners(join(root, made))).toEqual([1000, 1001, 0o755]);
    ensureDirectories(join(root, "a/b"), 5, 5);
    expect(owners(join(root, "a/b"))).toEqual([1000, 1001, 0o755]);
  });

  test("the umask applies, and links are followed", () => {
    const root = fresh();
    mkdirSync(join(root, "real"), { recursive: true });
    symlinkSync("real", join(root, "link"));
    const mask = process.umask(0o077);
    ensureDirectories(join(root, "link/x"), 7, 7);
    process.umask(mask);
    expect(owners(join(root, "real/x"))).toEqual([7, 7, 0o700]);
  });

  test.each([["", "/file"], ["/x", "/file"], ["/x/y/z", "/file"]])("a file on the way is named: /file%s", (rest, named) => {
    const root = fresh();
    mkdirSync(root);
    writeFileSync(join(root, "file"), "");
    try {
      ensureDirectories(`${root}/file${rest}`, 0, 0);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof NotDirectoryError)) throw error;
      expect(error.path).toBe(root + named);
    }
  });

  test("a link to nothing, and a path that is too long", () => {
    const root = fresh();
    mkdirSync(root);
    symlinkSync("nothing", join(root, "link"));
    expect(errnoOf(() => ensureDirectories(join(root, "link/x"), 0, 0))).toBe(Errno.EEXIST);
    expect(errnoOf(() => ensureDirectories(`${root}/${"x".repeat(300)}`, 0, 0))).toBe(36);
    expect(errnoOf(() => ensureDirectories(`${root}${"/xxxxxxx".repeat(600)}`, 0, 0))).toBe(36);
    for (const there of ["/", "//", "", "."]) ensureDirectories(there, 0, 0);
  });

  test("as long as a path may be", () => {
    const root = fresh();
    const path = `${root}${`/${"d".repeat(200)}`.repeat(20)}`;
    ensureDirectories(path, 0, 0);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  test("no descriptor is left open", () => {
    const root = fresh();
    mkdirSync(root);
    writeFileSync(join(root, "file"), "");
    const before = readdirSync("/proc/self/fd").length;
    ensureDirectories(join(root, "a/b/c"), 0, 0);
    ensureDirectories(join(root, "a/b"), 0, 0);
    for (const bad of ["file/x", "file", `a/${"x".repeat(300)}/b`]) expect(() => ensureDirectories(join(root, bad), 0, 0)).toThrow();
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("whoever else makes them at the same time is no error", async () => {
    // Whoever is behind finds directories, which is faster than making them, and so catches up with the other.
    const root = fresh();
    mkdirSync(root);
    const script = `for await (const line of console) if (line) console.log(require("node:fs").mkdirSync(line, { recursive: true }));`;
    const rival = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
    const answers = rival.stdout.getReader();
    for (let round = 0; round < 25; round++) {
      const path = `${root}/${round}${"/d".repeat(40)}`;
      rival.stdin.write(`${path}\n`);
      await rival.stdin.flush();
      ensureDirectories(path, 3, 3);
      await answers.read();
      expect(statSync(path).isDirectory()).toBe(true);
    }
    rival.stdin.end();
    expect(await rival.exited).toBe(0);
    Bun.spawnSync(["rm", "-r", root]);
  }, 30_000);
});
