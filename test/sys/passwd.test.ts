// Users and groups, against files that say all sorts of things, and against this machine's own.

import { afterAll, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { fileBytes } from "../../sys/bytes.ts";
import { SysError } from "../../sys/errno.ts";
import { LINE_MAX, LineReader } from "../../sys/lines.ts";
import { Accounts, User } from "../../sys/passwd.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));
const accounts = new Accounts(directory);

const passwd = (text: string | Buffer): void => writeFileSync(join(directory, "passwd"), text);
const group = (text: string): void => writeFileSync(join(directory, "group"), text);

function linesOf(path: string): string[] {
  const reader = LineReader.open(path);
  const lines: string[] = [];
  while (reader.next()) lines.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)).toString());
  expect(reader.next()).toBe(false);
  reader.close();
  return lines;
}

test("lines of any length below the limit, the last with or without its end", () => {
  const path = join(directory, "lines");
  const length = fc.oneof(fc.nat(20), fc.integer({ min: 4090, max: 4100 }), fc.integer({ min: LINE_MAX - 3, max: LINE_MAX + 3 }), fc.constant(200_000));
  fc.assert(fc.property(fc.array(length, { maxLength: 12 }), fc.boolean(), (lengths, isClosed) => {
    const lines = lengths.map((size, index) => String.fromCharCode(97 + index).repeat(size));
    writeFileSync(path, lines.join("\n") + (isClosed && lines.length > 0 ? "\n" : ""));
    // An empty last line without an end is none.
    if (!isClosed && lines.at(-1) === "") lines.pop();
    expect(linesOf(path)).toEqual(lines.filter((line) => line.length < LINE_MAX));
  }), { numRuns: 300 });
});

test("a user is what its line says", () => {
  passwd("root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1001:A User,,,:/home/user:/bin/sh:-l\nempty::7:8:::");
  expect(accounts.user("root")).toEqual(new User("root", 0, 0, "/root", "/bin/bash"));
  expect(accounts.user("user")).toEqual(new User("user", 1000, 1001, "/home/user", "/bin/sh:-l"));
  expect(accounts.user("empty")).toEqual(new User("empty", 7, 8, "", ""));
  expect(accounts.userById(1000)?.name).toBe("user");
  for (const name of ["", "use", "userr", "1000", "root:x", "x", "USER"]) expect(accounts.user(name)).toBeUndefined();
  expect(accounts.userById(1)).toBeUndefined();
});

test("the first line of a name counts, and what is no line is passed over", () => {
  passwd([
    "", ":x:1:1::/:/", "#user:x:1:1::/:/", "+user:x:1:1::/:/", "+", "-user:x:1:1::/:/", "user", "user:x:1:1::/", "user:x:-1:1::/:/",
    "user:x::1::/:/", "user:x:1 :1::/:/", "user:x:1:x::/:/", "user:x:4294967295:1::/:/", "user:x:4294967294:1::/:/",
    "user:x:99999999999999999999:1::/:/", `user:x:1:1:${"g".repeat(LINE_MAX)}:/:/`,
    "user:x:4294967293:00012::/right:/bin/sh", "user:x:1:1::/wrong:/bin/sh",
  ].join("\n"));
  expect(accounts.user("user")).toEqual(new User("user", 4294967293, 12, "/right", "/bin/sh"));
  expect(accounts.userById(1)?.home).toBe("/wrong");
});

test("groups that list a user, after the user's own", () => {
  group("a:x:10:user\nb:x:11:\nc:x:12:other,user\nd:x:13:user,other\ne:x:14:users,use\nf:x:1001:user\nbad:x:y:user\ng:x:15:a,,user\ni:x:10:user\nh:x:16:user");
  const user = new User("user", 1000, 1001, "/", "/");
  expect(accounts.groupsOf(user)).toEqual([1001, 10, 12, 13, 15, 16]);
  expect(accounts.groupsOf(new User("nobody", 5, 6, "/", "/"))).toEqual([6]);
  expect(accounts.groupName(12)).toBe("c");
  expect(accounts.groupName(17)).toBeUndefined();
});

test("a member is found wherever it stands, and only whole", () => {
  const name = fc.stringMatching(/^[ab]{1,4}$/);
  fc.assert(fc.property(fc.array(name, { maxLength: 6 }), name, (members, wanted) => {
    group(`g:x:5:${members.join(",")}\n`);
    expect(accounts.groupsOf(new User(wanted, 1, 1, "", ""))).toEqual(members.includes(wanted) ? [1, 5] : [1]);
  }));
});

test("a name may be any text", () => {
  passwd("jürgen:x:5:5::/home/jürgen:/bin/sh\n");
  expect(accounts.user("jürgen")?.home).toBe("/home/jürgen");
  passwd(Buffer.from("\xff:x:5:5::/:/\nb:x:6:6::/\xfe:/\n", "latin1"));
  const home = accounts.user("b")?.home ?? "";
  expect([...fileBytes(home)]).toEqual([47, 0xfe]);
});

test("files that are missing are empty, what cannot be read is an error", () => {
  for (const name of ["passwd", "group"]) rmSync(join(directory, name), { force: true });
  const user = new User("user", 1000, 1001, "/", "/");
  expect(accounts.user("user")).toBeUndefined();
  expect(accounts.groupName(0)).toBeUndefined();
  expect(accounts.groupsOf(user)).toEqual([1001]);
  mkdirSync(join(directory, "passwd"));
  expect(() => accounts.user("user")).toThrow(SysError);
  rmSync(join(directory, "passwd"), { recursive: true });
});

test("a file of any size takes no more memory, nor is a descriptor left", () => {
  passwd("");
  truncateSync(join(directory, "passwd"), 100_000_000);
  appendFileSync(join(directory, "passwd"), "\nuser:x:1:2::/:/");
  const before = process.memoryUsage.rss();
  const descriptors = readdirSync("/proc/self/fd").length;
  expect(accounts.user("user")?.uid).toBe(1);
  expect(process.memoryUsage.rss() - before).toBeLessThan(20_000_000);
  expect(accounts.userById(2)).toBeUndefined();
  expect(readdirSync("/proc/self/fd").length).toBe(descriptors);
});

test("this machine's users and groups are those that getent and id tell", () => {
  const own = new Accounts();
  for (const line of Bun.spawnSync(["getent", "passwd"]).stdout.toString().trim().split("\n")) {
    const [name = "", , uid, gid, , home = "", shell = ""] = line.split(":");
    const user = own.user(name);
    expect(user).toEqual(new User(name, Number(uid), Number(gid), home, shell));
    const ids = Bun.spawnSync(["id", "-G", name]).stdout.toString().trim().split(" ").map(Number);
    expect(user === undefined ? [] : own.groupsOf(user).toSorted()).toEqual(ids.toSorted());
    expect(own.groupName(Number(gid))).toBe(Bun.spawnSync(["id", "-gn", name]).stdout.toString().trim());
  }
});
