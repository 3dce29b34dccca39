import { expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { MountFlag, MountTable } from "../../sys/mount.ts";

const at = (lines: string[], target: string): number | undefined => MountTable.parse(lines.join("\n")).at(target)?.id;
const line = (id: number, parent: number, target: string): string =>
  `${id} ${parent} 0:${id} / ${target} rw,relatime shared:1 - tmpfs tmpfs rw,mode=755`;

test("a line of the manual page", () => {
  const [entry] = MountTable.parse(
    "36 35 98:0 /mnt1 /mnt2 ro,noatime,nosuid master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n",
  ).entries;
  expect({ ...entry }).toEqual({
    id: 36, parent: -1, target: "/mnt2", type: "ext3", options: "ro,noatime,nosuid", superOptions: "rw,errors=continue",
  });
  expect(entry?.isReadOnly).toBe(true);
  expect(entry?.flags).toBe(MountFlag.NOSUID);
});

test("no optional fields, an empty source", () => {
  const [entry] = MountTable.parse("36 35 98:0 / /a rw - fuse.x  ro,user_id=0").entries;
  expect([entry?.type, entry?.superOptions, entry?.isReadOnly]).toEqual(["fuse.x", "ro,user_id=0", true]);
});

test.each(["", "garbage", "1 2 3 4 5 6 7 8 9", "x 1 0:1 / /a rw - t t rw", "- - - - - - - - -"])("%j is skipped", (text) => {
  expect(MountTable.parse(text).entries).toEqual([]);
});

test.each([
  ["/a\\040b", "/a b"], ["/a\\011b\\012", "/a\tb\n"], ["/a\\134040", "/a\\040"], ["/a\\", "/a\\"], ["/a\\09", "/a\\09"],
  ["/a\\777", "/a\\777"], ["/é\\040ü", "/é ü"],
])("%s is the path %j", (field, path) => {
  expect(MountTable.parse(line(2, 1, field)).entries.at(0)?.target).toBe(path);
});

test("escapes are undone, whatever the path", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(" ", "\\", "\t", "\n", "a", "0", "4", "é", "#") }), (name) => {
    const escaped = name.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
    expect(MountTable.parse(line(2, 1, `/${escaped}`)).entries.at(0)?.target).toBe(`/${name}`);
  }));
});

const root = line(1, 1, "/");

test("of mounts on one another the last counts", () => {
  expect(at([root, line(2, 1, "/run"), line(3, 2, "/run")], "/run")).toBe(3);
  expect(at([line(1, 99, "/"), line(2, 1, "/")], "/")).toBe(2);
});

test("a mount below one that came later is hidden", () => {
  const lines = [root, line(2, 1, "/dev"), line(3, 2, "/dev/pts"), line(4, 2, "/dev")];
  expect(at(lines, "/dev/pts")).toBeUndefined();
  expect(at([...lines, line(5, 4, "/dev/pts")], "/dev/pts")).toBe(5);
  expect(at([root, line(2, 1, "/a/b"), line(3, 1, "/a")], "/a/b")).toBeUndefined();
});

test("a path is not what its name begins with", () => {
  const lines = [root, line(2, 1, "/run"), line(3, 1, "/runner"), line(4, 3, "/runner/x")];
  expect([at(lines, "/run"), at(lines, "/runner"), at(lines, "/runner/x"), at(lines, "/run/x")]).toEqual([2, 3, 4, undefined]);
});

test("the root of a chroot may not be listed", () => {
  const lines = [line(7, 3, "/proc"), line(8, 3, "/dev"), line(9, 8, "/dev/shm")];
  expect([at(lines, "/"), at(lines, "/proc"), at(lines, "/dev/shm")]).toEqual([undefined, 7, 9]);
});

test("the order of the lines does not matter, nor do loops", () => {
  const lines = [root, line(2, 1, "/dev"), line(3, 2, "/dev/pts"), line(4, 2, "/dev"), line(5, 4, "/dev/shm")];
  fc.assert(fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
    expect([at(shuffled, "/"), at(shuffled, "/dev"), at(shuffled, "/dev/shm"), at(shuffled, "/dev/pts")]).toEqual([1, 4, 5, undefined]);
  }));
  expect(at([line(1, 2, "/"), line(2, 1, "/")], "/")).toBeUndefined();
});

test("this machine's own", () => {
  const text = readFileSync("/proc/self/mountinfo", "utf8");
  expect(MountTable.read().entries.length).toBe(text.trimEnd().split("\n").length);
  expect(MountTable.read().at("/proc")?.type).toBe("proc");
});
