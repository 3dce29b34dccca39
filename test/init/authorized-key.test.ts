import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { authorizeKey } from "../../init/authorized-key.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
const home = join(directory, "root");
const file = join(home, ".ssh/authorized_keys");
afterAll(() => remove(directory));
beforeEach(() => remove(home));

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJc6eP6m7R1nXvSg3xJ5o6Q0t8fC2mX0l2d0F5bV8bqk user@host é";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const mode = (path: string): number => statSync(path).mode & 0o7777;

test.each([KEY, `${KEY}\n`, `${KEY}\r\n`, `restrict,command="/bin/x y" ${KEY}`])("%j", (text) => {
  authorizeKey(home, base64(text));
  expect(readFileSync(file, "utf8")).toBe(`${text.trimEnd()}\n`);
  expect(mode(file)).toBe(0o600);
  expect(mode(join(home, ".ssh"))).toBe(0o700);
  expect(readdirSync(join(home, ".ssh"))).toEqual(["authorized_keys"]);
});

test("modes that sshd refuses are put right, and the key of an earlier boot is replaced", () => {
  mkdirSync(join(home, ".ssh"), { recursive: true });
  chmodSync(join(home, ".ssh"), 0o777);
  writeFileSync(file, "ssh-rsa old\n", { mode: 0o666 });
  authorizeKey(home, base64(KEY));
  expect(readFileSync(file, "utf8")).toBe(`${KEY}\n`);
  expect([mode(file), mode(join(home, ".ssh"))]).toEqual([0o600, 0o700]);
});

test.each([
  ["not base64", "ssh-ed25519 AAAA"],
  ["half of it", base64(KEY).slice(0, -1)],
  ["nothing", ""],
  ["no key", base64("hello")],
  ["two lines", base64(`${KEY}\n${KEY}\n`)],
  ["a control character", base64(`${KEY}\u001b[2J`)],
  ["no text", Buffer.from([0x61, 0x20, 0xff, 0xfe]).toString("base64")],
  ["a NUL", base64("ssh-rsa AAAA\0")],
])("%s: no file", (_what, text) => {
  authorizeKey(home, text);
  expect(existsSync(home)).toBe(false);
});

test("where it cannot be written nothing throws", () => {
  writeFileSync(home, "a file");
  authorizeKey(home, base64(KEY));
  expect(readFileSync(home, "utf8")).toBe("a file");
});
