// Programs started as a user, over pipes and on a terminal, on the Bun host's libc.

import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CStringVector } from "../../sys/bytes.ts";
import { Credentials } from "../../sys/credentials.ts";
import { SysError } from "../../sys/errno.ts";
import { ExitWatcher } from "../../sys/exit.ts";
import { close, read } from "../../sys/file.ts";
import { Loop } from "../../sys/loop.ts";
import { CORE_DUMPED, takeStatus } from "../../sys/process.ts";
import { Program, type Started, startOnTerminal, startOverPipes } from "../../sys/start.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
chmodSync(directory, 0o755);
afterAll(() => remove(directory));

const root = new Credentials(0, 0, [0]);
const PATH = "/usr/bin:/bin";

function program(words: string[], path = PATH, where = "/", user = root): Program {
  const argv = new CStringVector();
  for (const word of words) argv.addPlain(word);
  const environment = new CStringVector();
  environment.addPlain(`PATH=${path}`);
  return new Program(words[0] ?? "", path, argv, environment, where, user);
}

/** Awaits the end of what was started; returns its status, and what it has written. */
function outcome(started: Started): { status: number | undefined; output: string } {
  const loop = new Loop();
  new ExitWatcher(loop).watch(started.pid, () => loop.stop());
  loop.run();
  const status = takeStatus(started.pid);
  const bytes = new Uint8Array(65536);
  let output = "";
  for (const fd of [started.stdout, started.stderr, started.terminal].filter((end) => end >= 0)) {
    const count = read(fd, bytes, 0, bytes.length);
    if (count > 0) output += Buffer.from(bytes.subarray(0, count)).toString();
  }
  for (const fd of [started.stdin, started.stdout, started.stderr, started.terminal]) if (fd >= 0) close(fd);
  return { status, output };
}

function run(words: string[], path = PATH, where = "/", user = root): ReturnType<typeof outcome> {
  return outcome(startOverPipes(program(words, path, where, user), false));
}

/** Why it cannot be started; nothing is left of it. */
function failure(words: string[], where = "/", user = root): string {
  const before = readdirSync("/proc/self/fd").length;
  try {
    startOverPipes(program(words, PATH, where, user), false);
  } catch (error) {
    expect([readdirSync("/proc/self/fd").length]).toEqual([before]);
    if (error instanceof SysError) return error.describe();
  }
  return "";
}

test("a command is found by execvp's rules, in the child's own path", () => {
  mkdirSync(join(directory, "no"));
  mkdirSync(join(directory, "yes"));
  writeFileSync(join(directory, "no/tool"), "#!/bin/sh\necho no\n", { mode: 0o644 });
  writeFileSync(join(directory, "yes/tool"), 'echo "yes $1"\n', { mode: 0o755 });
  // The first may not be executed, the second has no format that the kernel knows.
  expect(run(["tool", "arg"], `/nonexistent:${directory}/no:${directory}/yes`).output).toBe("yes arg\n");
  expect(run(["tool"], `${directory}/no`)).toEqual({ status: 126, output: "tool: cannot be executed\n" });
  expect(run(["tool"], "/nonexistent:")).toEqual({ status: 127, output: "tool: command not found\n" });
  expect(run(["tool"], ":/nonexistent", join(directory, "yes")).output).toBe("yes \n");
  expect(run(["./yes/tool"], "", directory).output).toBe("yes \n");
  expect(run(["x".repeat(5000)]).status).toBe(127);
  expect(run(["/bin/true"], "x".repeat(5000)).status).toBe(0);
  expect(run(["true"], `${"x".repeat(5000)}:/bin`).status).toBe(0);
});

test("what keeps a program from starting reaches the parent", () => {
  expect(failure(["/bin/true"], join(directory, "gone"))).toBe(`chdir ${directory}/gone: No such file or directory`);
  expect(failure(["/bin/true", "x".repeat(3 << 20)])).toBe("execve /bin/true: Argument list too long");
  mkdirSync(join(directory, "closed"), { mode: 0o700 });
  const user = new Credentials(1234, 1234, [1234]);
  expect(failure(["/bin/true"], join(directory, "closed"), user)).toContain("Permission denied");
});

test("user, group and supplementary groups are switched", () => {
  const user = new Credentials(1234, 2345, [2345, 3456, 4567]);
  expect(run(["id", "-u"], PATH, "/", user).output).toBe("1234\n");
  expect(run(["id", "-G"], PATH, "/", user).output).toBe("2345 3456 4567\n");
});

test("a terminal has its size, its user, and is the controlling one", () => {
  const what = program(["sh", "-c", "tty; stty size; stat -c '%u %a' $(tty); echo >/dev/tty x; ps -o sid= -p $$ | tr -d ' '; echo $$"], PATH, "/", new Credentials(1234, 1234, [1234]));
  const started = startOnTerminal(what, 100, 30);
  const lines = outcome(started).output.split("\r\n");
  expect(lines.slice(1, 4)).toEqual(["30 100", "1234 620", "x"]);
  expect(lines[0]).toMatch(/^\/dev\/pts\/\d+$/);
  expect(lines[4]).toBe(lines[5] ?? "");
});

test("signals and core dumps are told from exit codes", () => {
  expect(run(["sh", "-c", "kill -TERM $$"]).status).toBe(-15);
  const dumped = run(["sh", "-c", "kill -SEGV $$"]).status;
  expect([-11, -11 - CORE_DUMPED]).toContain(dumped ?? 0);
  expect(takeStatus(1)).toBeUndefined();
});
