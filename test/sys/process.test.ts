// Processes and files as the layers above see them, on the Bun host's libc.

import { afterAll, expect, test } from "bun:test";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environAddress } from "#libc";
import { CStringVector } from "../../sys/bytes.ts";
import { getenv, overlay } from "../../sys/environ.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { ExitWatcher } from "../../sys/exit.ts";
import { close, lstat, openForReading, stat, TemporaryFile } from "../../sys/file.ts";
import { GroupTable } from "../../sys/groups.ts";
import { Loop } from "../../sys/loop.ts";
import { Command, execError, hasEnded, killGroup, reap, spawn } from "../../sys/process.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const noGroups = new GroupTable(-1, 0);

function command(...words: string[]): Command {
  return commandIn("", ...words);
}

function commandIn(where: string, ...words: string[]): Command {
  const argv = new CStringVector();
  for (const word of words) argv.add(word);
  return new Command(words[0] ?? "", argv, environAddress(), where);
}

/** Starts a command, awaits its end and tells how it went. */
function outcome(what: Command): { code: number; error: SysError | undefined } {
  const loop = new Loop();
  const child = spawn(what, noGroups, -1);
  new ExitWatcher(loop).watch(child.pid, () => loop.stop());
  loop.run();
  expect(hasEnded(child.pid)).toBe(true);
  const result = { code: reap(child.pid), error: execError(child, what) };
  for (const fd of [child.stdout, child.stderr, child.status]) close(fd);
  return result;
}

test("the reason of a failed exec reaches the parent", () => {
  const error = outcome(command("/nonexistent/shell")).error;
  expect([error?.call, error?.errno, error?.path]).toEqual(["execve", Errno.ENOENT, "/nonexistent/shell"]);
  expect(outcome(command(directory)).error?.describe()).toBe(`execve ${directory}: Permission denied`);
});

test("a command runs where it is told to, or says why not", () => {
  expect(outcome(commandIn(directory, "/bin/sh", "-c", `[ "$(pwd -P)" = "${directory}" ]`)).code).toBe(0);
  expect(outcome(command("/bin/sh", "-c", `[ "$(pwd -P)" = "${process.cwd()}" ]`)).code).toBe(0);
  const error = outcome(commandIn(`${directory}/gone`, "/bin/true")).error;
  expect(error?.describe()).toBe(`chdir ${directory}/gone: No such file or directory`);
});

test("exit codes and signals", () => {
  expect(outcome(command("/bin/sh", "-c", "exit 7"))).toEqual({ code: 7, error: undefined });
  expect(outcome(command("/bin/sh", "-c", "kill -TERM $$")).code).toBe(-15);
});

test("a group is killed whether or not its leader has come to setsid", () => {
  for (let round = 0; round < 50; round++) {
    const child = spawn(command("/bin/sleep", "60"), noGroups, -1);
    killGroup(child.pid);
    const loop = new Loop();
    new ExitWatcher(loop).watch(child.pid, () => loop.stop());
    loop.run();
    expect(reap(child.pid)).toBe(-9);
    for (const fd of [child.stdout, child.stderr, child.status]) close(fd);
  }
});

test("a status that somebody else took is no error", () => {
  expect(hasEnded(1)).toBe(true); // not a child of ours
  expect(reap(1)).toBe(255);
});

test("the environment is read where it lies, and laid over", () => {
  expect(getenv("PATH")).toBe(process.env.PATH);
  expect(getenv("PAT")).toBeUndefined();
  const out = join(directory, "environment");
  const argv = new CStringVector();
  for (const word of ["/bin/sh", "-c", `env >${out}`]) argv.add(word);
  const environment = overlay(["PATH", "EMPTY"], ["/bin:/usr/bin", ""]);
  expect(outcome(new Command("/bin/sh", argv, environment.address(), "")).code).toBe(0);
  const lines = readFileSync(out, "utf8").split("\n");
  expect(lines).toContain("PATH=/bin:/usr/bin");
  expect(lines).toContain("EMPTY=");
  expect(lines.filter((line) => line.startsWith("PATH="))).toHaveLength(1);
  expect(lines).toContain(`HOME=${process.env.HOME}`);
});

test("a temporary takes its target's place, or leaves nothing", () => {
  const target = join(directory, "target");
  const bytes = new TextEncoder().encode("content");
  const kept = TemporaryFile.create(TemporaryFile.nameIn(directory, ".t-"));
  kept.append(bytes, 0, 4);
  kept.append(bytes, 4, bytes.length);
  kept.chmod(0o4751);
  kept.replace(target);
  expect(readFileSync(target, "utf8")).toBe("content");
  expect(statSync(target).mode & 0o7777).toBe(0o4751);
  const dropped = TemporaryFile.create(TemporaryFile.nameIn(directory, ".t-"));
  dropped.discard();
  const refused = TemporaryFile.create(TemporaryFile.nameIn(directory, ".t-"));
  expect(() => refused.replace(directory)).toThrow(SysError);
  expect(readdirSync(directory).filter((name) => name.startsWith(".t-"))).toEqual([]);
  expect(() => TemporaryFile.create("/nonexistent/.t-")).toThrow(SysError);
});

test("stat follows links, lstat does not, and sizes beyond 2^32 are whole", () => {
  const file = join(directory, "large");
  writeFileSync(file, "");
  Bun.spawnSync(["truncate", "-s", "5000000000", file]);
  Bun.spawnSync(["ln", "-s", file, join(directory, "link")]);
  expect(stat(join(directory, "link")).size).toBe(5_000_000_000);
  expect(stat(file).isRegular).toBe(true);
  expect(lstat(join(directory, "link")).isRegular).toBe(false);
  expect(stat(file).inode).toBe(statSync(file).ino);
});

test("opening for reading never waits", () => {
  const fifo = join(directory, "fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  close(openForReading(fifo));
});
