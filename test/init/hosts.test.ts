import { afterAll, beforeEach, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { updateHosts } from "../../init/hosts.ts";
import { withTmpfs, remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
const path = join(directory, "hosts");
afterAll(() => remove(directory));
beforeEach(() => remove(path));

const LOCAL = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";

function updated(content: string | Uint8Array, name: string): string {
  writeFileSync(path, content);
  updateHosts(path, name);
  return readFileSync(path, "latin1");
}

test("a missing file is made, readable for all, and nothing is left beside it", () => {
  updateHosts(path, "box");
  expect(readFileSync(path, "utf8")).toBe(`127.0.1.1\tbox\n${LOCAL}`);
  expect(statSync(path).mode & 0o7777).toBe(0o644);
  expect(readdirSync(directory)).toEqual(["hosts"]);
});

test("an empty file, as a container's export has it", () => {
  expect(updated("", "box")).toBe(`127.0.1.1\tbox\n${LOCAL}`);
});

test("the second boot changes nothing, and does not touch the file", () => {
  const first = updated("", "box");
  utimesSync(path, 1000, 1000);
  const inode = statSync(path).ino;
  updateHosts(path, "box");
  expect(readFileSync(path, "latin1")).toBe(first);
  expect(statSync(path).ino).toBe(inode);
  expect(statSync(path).mtimeMs).toBe(1_000_000);
});

test("another name takes the place of the one before, and all else stays", () => {
  const before = `# comment 127.0.1.1 old\n${LOCAL}127.0.1.1\told old.example # was\n10.0.0.1 db\n\n  \t\n`;
  const after = `# comment 127.0.1.1 old\n${LOCAL}127.0.1.1\tnew\n10.0.0.1 db\n\n  \t\n`;
  expect(updated(before, "new")).toBe(after);
  expect(updated(after, "newer")).toBe(after.replace("new", "newer"));
});

test("bytes that are no UTF-8 stay as they are", () => {
  const before = `\xff\0\xc3\n\r\n${LOCAL}10.0.0.1\tcaf\xe9\n`;
  expect(updated(Buffer.from(before, "latin1"), "box")).toBe(`${before}127.0.1.1\tbox\n`);
});

test("a last line without an end gets one", () => {
  expect(updated("10.0.0.1 db", "box")).toBe(`10.0.0.1 db\n127.0.1.1\tbox\n${LOCAL}`);
  expect(updated(`${LOCAL}127.0.1.1 old`, "box")).toBe(`${LOCAL}127.0.1.1\tbox\n`);
});

test.each([
  [`${LOCAL}127.0.1.1 box.example.org box\n`, "box"],
  [`${LOCAL}10.0.0.7\tbox\n127.0.1.1 other\n`, "box"],
  [" 127.0.0.1 \t box localhost\r\n::1 ip6-localhost localhost", "box"],
  [LOCAL, "localhost"],
  [LOCAL, ""],
])("%j needs nothing for %j", (content, name) => {
  expect(updated(content, name)).toBe(content);
});

test("a name within another, or in a comment, is not the name", () => {
  const before = `${LOCAL}10.0.0.1 boxes a.box # box\n`;
  expect(updated(before, "box")).toBe(`${before}127.0.1.1\tbox\n`);
});

test("localhost is wanted in both families", () => {
  expect(updated("127.0.0.1 localhost\n", "")).toBe("127.0.0.1 localhost\n::1\tlocalhost\n");
  const other = "::1 localhost\n127.0.0.1 other\n";
  expect(updated(other, "")).toBe(`${other}127.0.0.1\tlocalhost\n`);
  expect(updated("# 127.0.0.1 localhost\n", "")).toBe(`# 127.0.0.1 localhost\n${LOCAL}`);
});

test("a file of thousands of lines", () => {
  const list = Array.from({ length: 20_000 }, (_, index) => `0.0.0.0 ads${index}.example\n`).join("");
  expect(updated(list, "box")).toBe(`${list}127.0.1.1\tbox\n${LOCAL}`);
});

test("what a power cut left of the temporary is in nobody's way", () => {
  writeFileSync(`${path}.new`, "half");
  expect(updated(LOCAL, "box")).toBe(`${LOCAL}127.0.1.1\tbox\n`);
  expect(readdirSync(directory)).toEqual(["hosts"]);
});

test("a link is replaced by a file, its target left alone", () => {
  const target = join(directory, "target");
  writeFileSync(target, "10.0.0.1 db\n");
  symlinkSync(target, path);
  updateHosts(path, "box");
  expect(lstatSync(path).isFile()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`10.0.0.1 db\n127.0.1.1\tbox\n${LOCAL}`);
  expect(readFileSync(target, "utf8")).toBe("10.0.0.1 db\n");
  remove(target);
});

test("on a read-only file system it stays, and nothing throws", async () => {
  await withTmpfs(directory, "size=1m", async (remount) => {
    writeFileSync(path, "10.0.0.1 db\n");
    remount("ro");
    updateHosts(path, "box");
    expect(readFileSync(path, "utf8")).toBe("10.0.0.1 db\n");
    expect(readdirSync(directory)).toEqual(["hosts"]);
  });
});

test("on a full file system the old content stays whole", async () => {
  await withTmpfs(directory, "size=12k", async () => {
    const content = `${"x".repeat(8000)}\n`;
    writeFileSync(path, content);
    updateHosts(path, "box");
    expect(readFileSync(path, "utf8")).toBe(content);
    expect(readdirSync(directory)).toEqual(["hosts"]);
  });
});
