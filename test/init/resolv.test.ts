import { afterAll, beforeEach, expect, test } from "bun:test";
import {
  existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { updateResolver } from "../../init/resolv.ts";
import { withTmpfs, remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
const path = join(directory, "resolv.conf");
const pnp = join(directory, "pnp");
afterAll(() => remove(directory));
beforeEach(() => {
  remove(path);
  remove(pnp);
});

const GIVEN = ["10.0.2.3", "10.0.2.4"];
const DEFAULTS = ["172.16.0.1", "8.8.8.8", "8.8.4.4"];

const lines = (...servers: string[]): string => servers.map((server) => `nameserver ${server}\n`).join("");
const content = (): string => readFileSync(path, "utf8");

test("a missing file is made, readable for all, and nothing is left beside it", () => {
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(content()).toBe(lines(...GIVEN));
  expect(statSync(path).mode & 0o7777).toBe(0o644);
  expect(readdirSync(directory)).toEqual(["resolv.conf"]);
});

test("an empty file is filled", () => {
  writeFileSync(path, "");
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(content()).toBe(lines(...GIVEN));
});

test("a file with content stays", () => {
  for (const text of ["nameserver 9.9.9.9\n", "# nobody\n"]) {
    writeFileSync(path, text);
    updateResolver(path, pnp, GIVEN, DEFAULTS);
    expect(content()).toBe(text);
  }
});

test("the kernel's servers come after those given and before the profile's", () => {
  const servers = "nameserver 10.1.1.1\nnameserver 0.0.0.0\nnameserver  10.1.1.2\n";
  writeFileSync(pnp, `#PROTO: DHCP\ndomain example.org\n${servers}bootserver 10.1.1.9\n`);
  updateResolver(path, pnp, [], DEFAULTS);
  expect(content()).toBe(lines("10.1.1.1", "10.1.1.2"));
  remove(path);
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(content()).toBe(lines(...GIVEN));
});

test.each([undefined, "", "#MANUAL\n", "nameserver"])("%j in the kernel's file: the profile's", (text) => {
  if (text !== undefined) writeFileSync(pnp, text);
  updateResolver(path, pnp, [], DEFAULTS);
  expect(content()).toBe(lines(...DEFAULTS));
});

test("with no server at all nothing is written", () => {
  updateResolver(path, pnp, [], []);
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, "");
  updateResolver(path, pnp, [], []);
  expect(statSync(path).size).toBe(0);
});

test.each([
  "missing",
  "../run/systemd/resolve/stub-resolv.conf",
])("a link to %s, which is not there, gives way to a file", (target) => {
  symlinkSync(target, path);
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(lstatSync(path).isFile()).toBe(true);
  expect(content()).toBe(lines(...GIVEN));
  expect(existsSync(join(directory, target))).toBe(false);
});

test("a link to itself stays", () => {
  symlinkSync("resolv.conf", path);
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  // Nobody's file, but not a dangling link either.
  expect(readlinkSync(path)).toBe("resolv.conf");
});

test.each(["nameserver 127.0.0.53\n", ""])("systemd's stub with %j stays, and so does the link to it", (text) => {
  const resolve = join(directory, "run/systemd/resolve");
  mkdirSync(resolve, { recursive: true });
  const stub = join(resolve, "stub-resolv.conf");
  writeFileSync(stub, text);
  symlinkSync("run/systemd/resolve/stub-resolv.conf", path);
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(readFileSync(stub, "utf8")).toBe(text);
  remove(join(directory, "run"));
});

test("a link to an empty file of somebody else's gives way, and that file stays empty", () => {
  const target = join(directory, "other");
  writeFileSync(target, "");
  symlinkSync(target, path);
  updateResolver(path, pnp, GIVEN, DEFAULTS);
  expect(lstatSync(path).isFile()).toBe(true);
  expect(content()).toBe(lines(...GIVEN));
  expect(statSync(target).size).toBe(0);
  remove(target);
});

test("on a read-only file system nothing throws", async () => {
  await withTmpfs(directory, "size=1m", async (remount) => {
    remount("ro");
    updateResolver(path, pnp, GIVEN, DEFAULTS);
    expect(readdirSync(directory)).toEqual([]);
  });
});
