// Names in order, links to their end, and trees copied and removed step by step.

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Errno } from "../../sys/errno.ts";
import { Names, NameSorter } from "../../sys/names.ts";
import { resolveLinks } from "../../sys/real-path.ts";
import { TreeCopier } from "../../sys/tree-copier.ts";
import { TreeRemover } from "../../sys/tree-remover.ts";
import { TreeReader } from "../../sys/tree.ts";
import { noise, remove, scratchDirectory } from "../scratch.ts";
import { errnoOf } from "./errno-of.ts";

setDefaultTimeout(60_000);

const scratch = scratchDirectory();
afterAll(() => remove(scratch));
let count = 0;

function place(): string {
  const path = join(scratch, `${count++}`);
  mkdirSync(path);
  return path;
}

const nameBytes = fc.uint8Array({ minLength: 1, maxLength: 12 }).filter((bytes) => !bytes.includes(0));

test("names are sorted by their bytes, and come once", () => {
  fc.assert(
    fc.property(fc.array(nameBytes, { maxLength: 300 }), fc.boolean(), (all, isSorted) => {
      const plain = new Names(new Uint8Array(0));
      const sorter = new NameSorter();
      for (const name of all) (isSorted ? sorter : plain).add(Buffer.concat([Buffer.from("<"), name, Buffer.from(">")]), 1, name.length + 1);
      let names = isSorted ? sorter.finish() : plain;
      while (names === undefined) names = sorter.finish();
      const seen: Buffer[] = [];
      for (let name = names.next(); name !== undefined; name = names.next()) {
        expect(name.at(-1)).toBe(0);
        seen.push(Buffer.from(name.subarray(0, -1)));
      }
      const wanted = all.map((name) => Buffer.from(name));
      expect(seen).toEqual(isSorted ? wanted.sort(Buffer.compare) : wanted);
      expect(plain.count).toBe(isSorted ? 0 : all.length);
    }),
  );
});

test("where a path leads", () => {
  const root = place();
  mkdirSync(join(root, "a/b"), { recursive: true });
  writeFileSync(join(root, "a/b/f"), "");
  symlinkSync("b", join(root, "a/link"));
  symlinkSync(join(root, "a"), join(root, "absolute"));
  symlinkSync("../b/../link/f", join(root, "a/b/up"));
  symlinkSync("missing", join(root, "dangling"));
  symlinkSync("y", join(root, "x"));
  symlinkSync("x", join(root, "y"));
  expect(resolveLinks("/")).toBe("/");
  expect(resolveLinks("//../.")).toBe("/");
  expect(resolveLinks(`${root}/absolute/link/./up`)).toBe(`${root}/a/b/f`);
  // What follows a link starts where it leads.
  expect(resolveLinks(`${root}/absolute/link/..`)).toBe(`${root}/a`);
  expect(errnoOf(() => resolveLinks(`${root}/dangling`))).toBe(Errno.ENOENT);
  expect(errnoOf(() => resolveLinks(`${root}/a/b/f/x`))).toBe(Errno.ENOTDIR);
  expect(errnoOf(() => resolveLinks(`${root}/x`))).toBe(Errno.ELOOP);
  // One that doubles with every step.
  for (let i = 1; i < 40; i++) symlinkSync(`l${i - 1}/../l${i - 1}`, join(root, `l${i}`));
  symlinkSync("a", join(root, "l0"));
  expect(errnoOf(() => resolveLinks(`${root}/l39`))).toBe(Errno.ELOOP);
});

/** All of a tree, in words. */
function picture(root: string): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort().map((name) => {
    const status = lstatSync(join(root, name));
    return `${name} ${status.mode.toString(8)} ${status.isFile() ? readFileSync(join(root, name)).toString("hex") : ""}`;
  });
}

test("a tree is copied, and removed", () => {
  const root = place();
  mkdirSync(join(root, "t/a/b/c"), { recursive: true });
  for (let i = 0; i < 50; i++) mkdirSync(join(root, `t/a/${i}`));
  for (const name of ["t/f", "t/a/g", "t/a/b/c/h", "t/a/49/i"]) writeFileSync(join(root, name), noise(200));
  chmodSync(join(root, "t/a/49"), 0o500);
  symlinkSync("../../nowhere", join(root, "t/a/out"));
  linkSync(join(root, "t/f"), join(root, "t/second"));
  const copier = new TreeCopier(join(root, "t"), join(root, "u"));
  let steps = 0;
  while (copier.step()) steps += 1;
  expect(steps).toBeGreaterThan(100);
  expect(picture(join(root, "u"))).toEqual(picture(join(root, "t")));
  const before = picture(join(root, "t"));
  const remover = new TreeRemover(join(root, "u"));
  while (remover.step());
  expect(readdirSync(root)).toEqual(["t"]);
  expect(picture(join(root, "t"))).toEqual(before);
});

test("a large directory goes in more than one turn", () => {
  const root = place();
  mkdirSync(join(root, "t"));
  for (let i = 0; i < 1500; i++) {
    mkdirSync(join(root, `t/${i}`));
    writeFileSync(join(root, `t/${i}/f`), "");
  }
  const remover = new TreeRemover(join(root, "t"));
  while (remover.step());
  expect(existsSync(join(root, "t"))).toBe(false);
});

test("a directory that is moved away while it is being read is not left for another", () => {
  const root = place();
  mkdirSync(join(root, "t/a"), { recursive: true });
  mkdirSync(join(root, "elsewhere/kept"), { recursive: true });
  const tree = TreeReader.open(join(root, "t"));
  expect(tree.next()).toBe(true);
  tree.defer();
  expect(tree.next()).toBe(false);
  expect(tree.enter()).toBeDefined();
  renameSync(join(root, "t/a"), join(root, "elsewhere/a"));
  expect(errnoOf(() => tree.leave())).toBe(Errno.ESTALE);
  tree.close();
});
