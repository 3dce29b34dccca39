// Commands in the background: input, listing, connecting, leaving, killing.

import { CommandExitError, SandboxError, type CommandHandle, type Sandbox } from "e2b";
import { deepEqual, equal } from "node:assert/strict";
import { cases, failure, HeardText, until } from "./case.ts";

/** A command that says `ready`, then what it reads, a line at a time, and ends with code 4 at `end`. */
const echo = 'echo ready; while read -r line; do [ "$line" != end ] || exit 4; echo "got $line"; done; echo eof';

/** The command above, once it is ready. */
async function echoing(sandbox: Sandbox): Promise<{ handle: CommandHandle; heard: HeardText }> {
  const heard = new HeardText();
  const handle = await sandbox.commands.run(echo, { background: true, stdin: true, onStdout: heard.take });
  await heard.shows("ready\n");
  return { handle, heard };
}

async function isListed(sandbox: Sandbox, pid: number): Promise<boolean> {
  return (await sandbox.commands.list()).some((process) => process.pid === pid);
}

export const background = cases("E01: commands in the background", {
  "input as it is wanted, output as it comes, the end of input": async ({ sandbox }) => {
    const { handle, heard } = await echoing(sandbox);
    equal(handle.exitCode, undefined);
    await sandbox.commands.sendStdin(handle.pid, "one\n");
    await heard.shows("got one\n");
    await handle.sendStdin(new TextEncoder().encode("tw"));
    await handle.sendStdin("ö\n");
    await heard.shows("got twö\n");
    await handle.closeStdin();
    const result = await handle.wait();
    deepEqual([result.exitCode, result.stdout, handle.exitCode], [0, "ready\ngot one\ngot twö\neof\n", 0]);
  },

  "closeStdin by pid; 1 MiB of input comes back": async ({ sandbox }) => {
    const handle = await sandbox.commands.run("cat", { background: true, stdin: true });
    const text = "0123456789abcde\n".repeat(65_536);
    await sandbox.commands.sendStdin(handle.pid, text);
    await sandbox.commands.closeStdin(handle.pid);
    equal((await handle.wait()).stdout === text, true);
  },

  "input for one that has none is refused": async ({ sandbox }) => {
    const handle = await sandbox.commands.run("sleep 600", { background: true });
    await failure(handle.sendStdin("x"), SandboxError, "stdin not enabled or closed");
    equal(await handle.kill(), true);
    await failure(handle.wait(), CommandExitError);
  },

  "list has what was asked for, until it has ended": async ({ sandbox, directory }) => {
    const handle = await sandbox.commands.run("cat", { background: true, stdin: true, cwd: directory, envs: { A: "1" } });
    const other = await sandbox.commands.run("cat", { background: true, stdin: true });
    const found = (await sandbox.commands.list()).filter(({ pid }) => pid === handle.pid || pid === other.pid);
    deepEqual(found, [
      { pid: handle.pid, cmd: "/bin/bash", args: ["-l", "-c", "cat"], envs: { A: "1" }, cwd: directory },
      { pid: other.pid, cmd: "/bin/bash", args: ["-l", "-c", "cat"], envs: {} },
    ]);
    for (const each of [handle, other]) await each.closeStdin();
    for (const each of [handle, other]) await each.wait();
    equal(await isListed(sandbox, handle.pid), false);
  },

  "the pid is the command's own": async ({ sandbox }) => {
    const handle = await sandbox.commands.run("echo $$", { background: true });
    equal((await handle.wait()).stdout, `${handle.pid}\n`);
  },

  "E04: kill: true, then false; wait fails with the signal": async ({ sandbox }) => {
    const { handle } = await echoing(sandbox);
    equal(await handle.kill(), true);
    const error = await failure(handle.wait(), CommandExitError, "signal: killed");
    deepEqual([error.exitCode, error.stdout], [-1, "ready\n"]);
    equal(await handle.kill(), false);
    equal(await sandbox.commands.kill(handle.pid), false);
    await failure(sandbox.commands.run(`kill -0 ${handle.pid}`), CommandExitError);
  },

  "kill ends what waits for a child that holds the output": async ({ sandbox }) => {
    const heard = new HeardText();
    const handle = await sandbox.commands.run("echo ready; sleep 600 && echo done", { background: true, onStdout: heard.take });
    await heard.shows("ready\n");
    equal(await sandbox.commands.kill(handle.pid), true);
    await failure(handle.wait(), CommandExitError, "signal: killed");
    equal(await isListed(sandbox, handle.pid), false);
  },

  "after disconnect it runs on, its output goes to whom connects": async ({ sandbox }) => {
    const { handle, heard } = await echoing(sandbox);
    await handle.disconnect();
    const late = new HeardText();
    const again = await sandbox.commands.connect(handle.pid, { onStdout: late.take });
    equal(again.pid, handle.pid);
    await again.sendStdin("more\nend\n");
    const error = await failure(again.wait(), CommandExitError, "exit status 4");
    deepEqual([error.exitCode, error.stdout, late.text, heard.text], [4, "got more\n", "got more\n", "ready\n"]);
  },

  "several connect at once, and one leaves": async ({ sandbox }) => {
    const { handle } = await echoing(sandbox);
    const [second, third] = await Promise.all([sandbox.commands.connect(handle.pid), sandbox.commands.connect(handle.pid)]);
    await third.disconnect();
    await sandbox.commands.sendStdin(handle.pid, "x\nend\n");
    const ends = [handle, second].map((each) => failure(each.wait(), CommandExitError));
    deepEqual((await Promise.all(ends)).map(({ exitCode, stdout }) => [exitCode, stdout]), [[4, "ready\ngot x\n"], [4, "got x\n"]]);
  },

  "connecting after the end still tells the code": async ({ sandbox }) => {
    const handle = await sandbox.commands.run("exit 6", { background: true });
    await failure(handle.wait(), CommandExitError);
    const late = await sandbox.commands.connect(handle.pid);
    equal((await failure(late.wait(), CommandExitError, "exit status 6")).exitCode, 6);
  },

  "an aborted call leaves the command running": async ({ sandbox }) => {
    const abort = new AbortController();
    const heard = new HeardText();
    const handle = await sandbox.commands.run("echo ready; exec sleep 600", { background: true, signal: abort.signal, onStdout: heard.take });
    await heard.shows("ready\n");
    abort.abort();
    await failure(handle.wait(), Error);
    equal(await isListed(sandbox, handle.pid), true);
    equal(await sandbox.commands.kill(handle.pid), true);
  },

  "a command outlives who started it without a timeout": async ({ sandbox, directory }) => {
    const handle = await sandbox.commands.run(`read -r x; echo "$x" >${directory}/said`, { background: true, stdin: true, timeoutMs: 0 });
    await handle.disconnect();
    await sandbox.commands.sendStdin(handle.pid, "late\n");
    await until("it has ended", async () => !(await isListed(sandbox, handle.pid)));
    equal(await sandbox.files.read(`${directory}/said`), "late\n");
  },

  "a daemon of the command's own does not hold it": async ({ sandbox }) => {
    const result = await sandbox.commands.run("sleep 600 >/dev/null 2>&1 & echo $!");
    equal((await sandbox.commands.run(`kill ${result.stdout.trim()}`)).exitCode, 0);
  },
});
