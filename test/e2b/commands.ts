// commands.run in the foreground: outputs, codes, environment, user, directory, time.

import { AuthenticationError, CommandExitError, InvalidArgumentError, NotFoundError, SandboxError, TimeoutError } from "e2b";
import { deepEqual, equal, match } from "node:assert/strict";
import { cases, failure, until } from "./case.ts";

/** So much that it comes in many pieces, with letters of several bytes across their ends. */
const large = Array.from({ length: 40_000 }, (_, i) => `${i} äß€😀\n`).join("");

export const commands = cases("E01: commands.run", {
  "both outputs and the code": async ({ sandbox }) => {
    const result = await sandbox.commands.run("echo out; echo err >&2");
    deepEqual({ ...result }, { exitCode: 0, error: undefined, stdout: "out\n", stderr: "err\n" });
  },

  "a code that is not 0 is a CommandExitError with all of it": async ({ sandbox }) => {
    const error = await failure(sandbox.commands.run("echo out; echo err >&2; exit 3"), CommandExitError, "exit status 3");
    deepEqual([error.exitCode, error.stdout, error.stderr, error.error], [3, "out\n", "err\n", "exit status 3"]);
  },

  "a signal is code -1 and its name": async ({ sandbox }) => {
    const error = await failure(sandbox.commands.run("kill -9 $$"), CommandExitError, "signal: killed");
    equal(error.exitCode, -1);
  },

  "what is not there ends with 127": async ({ sandbox }) => {
    const error = await failure(sandbox.commands.run("no-such-command-at-all"), CommandExitError);
    equal(error.exitCode, 127);
    match(error.stderr, /not found/);
  },

  "the shell gets the command as it is": async ({ sandbox }) => {
    const text = `a  'b' "c" \\d $(e) \`f\` ; | & > * ~ é 漢\n`;
    const result = await sandbox.commands.run(`cat <<'END'\n${text}END`);
    equal(result.stdout, text);
  },

  "callbacks have every piece, in order": async ({ sandbox }) => {
    let stdout = "";
    let stderr = "";
    const result = await sandbox.commands.run("for i in 1 2 3 4 5; do echo $i; echo e$i >&2; done", {
      onStdout: (data) => {
        stdout += data;
      },
      onStderr: (data) => {
        stderr += data;
      },
    });
    deepEqual([stdout, stderr], ["1\n2\n3\n4\n5\n", "e1\ne2\ne3\ne4\ne5\n"]);
    deepEqual([result.stdout, result.stderr], [stdout, stderr]);
  },

  "callbacks that take their time lose nothing": async ({ sandbox }) => {
    let stdout = "";
    const result = await sandbox.commands.run("seq 1 60000", {
      onStdout: async (data) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        stdout += data;
      },
    });
    const expected = Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join("");
    equal(stdout === expected, true);
    equal(result.stdout === expected, true);
  },

  "large output, letters across the ends of pieces": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/large`, large);
    const result = await sandbox.commands.run(`cat ${directory}/large`);
    equal(result.stdout === large, true);
  },

  "without stdin it reads the end": async ({ sandbox }) => {
    equal((await sandbox.commands.run("cat; echo end")).stdout, "end\n");
  },

  "envs of the command, of the sandbox, and of nobody else": async ({ sandbox }) => {
    const print = 'echo "$SANDBOX_WIDE-$OVER-$MINE"';
    equal((await sandbox.commands.run(print, { envs: { MINE: "mine =é", OVER: "mine" } })).stdout, "wide-mine-mine =é\n");
    equal((await sandbox.commands.run(print)).stdout, "wide-theirs-\n");
  },

  "envs that say who and where": async ({ sandbox }) => {
    equal((await sandbox.commands.run("echo $HOME $USER $LOGNAME $E2B_SANDBOX")).stdout.replace(/ (true|false)\n$/, ""), "/home/user user user");
  },

  "the default user, and another": async ({ sandbox }) => {
    equal((await sandbox.commands.run("id -un; id -u; pwd")).stdout, "user\n1000\n/home/user\n");
    equal((await sandbox.commands.run("id -un; id -u; pwd", { user: "root" })).stdout, "root\n0\n/root\n");
  },

  "an unknown user": async ({ sandbox }) => {
    await failure(sandbox.commands.run("id", { user: "ghost" }), AuthenticationError, "ghost");
  },

  "cwd, absolute and below home": async ({ sandbox, directory }) => {
    equal((await sandbox.commands.run("pwd", { cwd: directory })).stdout, `${directory}\n`);
    equal((await sandbox.commands.run("pwd", { cwd: directory.replace("/home/user/", "") })).stdout, `${directory}\n`);
  },

  "a cwd that is missing, a file, or closed to the user": async ({ sandbox }) => {
    await failure(sandbox.commands.run("pwd", { cwd: "/no/such" }), InvalidArgumentError, "cwd '/no/such' does not exist");
    await failure(sandbox.commands.run("pwd", { cwd: "/etc/passwd" }), InvalidArgumentError, "is not a directory");
    await failure(sandbox.commands.run("pwd", { cwd: "/root" }), InvalidArgumentError);
  },

  "past timeoutMs: a TimeoutError, and the command is killed": async ({ sandbox }) => {
    const handle = await sandbox.commands.run("sleep 600", { background: true, timeoutMs: 1500 });
    await failure(handle.wait(), TimeoutError);
    await until("the command is gone", async () => !(await sandbox.commands.list()).some(({ pid }) => pid === handle.pid));
    await failure(sandbox.commands.run(`kill -0 ${handle.pid}`), CommandExitError);
  },

  "timeoutMs of 0 is none": async ({ sandbox }) => {
    equal((await sandbox.commands.run("echo on", { timeoutMs: 0 })).stdout, "on\n");
  },

  "many at once": async ({ sandbox }) => {
    const numbers = Array.from({ length: 16 }, (_, i) => i);
    const results = await Promise.all(numbers.map((i) => sandbox.commands.run(`echo ${i}; echo e${i} >&2`)));
    deepEqual(results.map(({ stdout, stderr }) => `${stdout}${stderr}`), numbers.map((i) => `${i}\ne${i}\n`));
  },

  "the sandbox is running": async ({ sandbox }) => {
    equal(await sandbox.isRunning(), true);
  },

  "E04: a pid that nobody has": async ({ sandbox }) => {
    equal(await sandbox.commands.kill(999_999), false);
    await failure(sandbox.commands.connect(999_999), NotFoundError, "not found");
    await failure(sandbox.commands.sendStdin(999_999, "x"), NotFoundError);
    await failure(sandbox.commands.closeStdin(999_999), SandboxError);
  },
});
