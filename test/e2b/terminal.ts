// Terminals: sandbox.pty.

import { CommandExitError, NotFoundError, TimeoutError, type CommandHandle, type Sandbox } from "e2b";
import { deepEqual, equal, match } from "node:assert/strict";
import { cases, failure, HeardText, until } from "./case.ts";

class Terminal {
  readonly sandbox: Sandbox;
  readonly handle: CommandHandle;
  readonly screen: Screen;

  constructor(sandbox: Sandbox, handle: CommandHandle, screen: Screen) {
    this.sandbox = sandbox;
    this.handle = handle;
    this.screen = screen;
  }

  type(text: string): Promise<void> {
    return this.sandbox.pty.sendInput(this.handle.pid, new TextEncoder().encode(text));
  }

  /** Types a command and waits for what it prints, which must not be in the command itself. */
  async run(command: string, shown: string): Promise<void> {
    await this.type(`${command}\n`);
    await this.screen.shows(shown);
  }

  /** Ends the shell. Its code is that of the last command. */
  async end(): Promise<void> {
    await this.type("exit 0\n");
    await this.handle.wait();
  }
}

class Screen extends HeardText {
  readonly #decoder = new TextDecoder();

  readonly onData = (data: Uint8Array): void => this.take(this.#decoder.decode(data, { stream: true }));
}

type Options = Omit<Parameters<Sandbox["pty"]["create"]>[0], "onData" | "cols" | "rows">;

/** A terminal of 80 columns and 24 rows whose shell answers. */
async function open(sandbox: Sandbox, options: Options = {}): Promise<Terminal> {
  const screen = new Screen();
  const handle = await sandbox.pty.create({ cols: 80, rows: 24, onData: screen.onData, ...options });
  const terminal = new Terminal(sandbox, handle, screen);
  await terminal.run("echo re''ady", "ready");
  return terminal;
}

export const terminals = cases("E01: pty", {
  "input, output, its size, the code of its shell": async ({ sandbox }) => {
    const terminal = await open(sandbox);
    await terminal.run("stty size", "24 80");
    await terminal.run("tty", "/dev/pts/");
    await terminal.run("echo $((40 + 2))ä€", "42ä€");
    await terminal.type("exit 5\n");
    equal((await failure(terminal.handle.wait(), CommandExitError, "exit status 5")).exitCode, 5);
  },

  "resize: the new size, and programs are told": async ({ sandbox }) => {
    const terminal = await open(sandbox);
    const program = `trap 'stty size; echo resi""zed; exit' WINCH; echo wai""ting; while :; do sleep 1; done`;
    await terminal.run(`sh -c "${program.replaceAll('"', '\\"')}"`, "waiting");
    await sandbox.pty.resize(terminal.handle.pid, { cols: 132, rows: 43 });
    await terminal.screen.shows("resized");
    match(terminal.screen.text, /43 132\r?\n.*resized/s);
    await terminal.end();
  },

  "environment, user and directory": async ({ sandbox, directory }) => {
    const terminal = await open(sandbox, { envs: { MINE: "mine" }, cwd: directory });
    await terminal.run('echo "[$TERM $LANG $LC_ALL $MINE $PWD $(id -un)]"', `[xterm-256color C.UTF-8 C.UTF-8 mine ${directory} user]`);
    await terminal.end();
    const root = await open(sandbox, { user: "root", envs: { TERM: "vt100" } });
    await root.run('echo "[$TERM $(id -un)]"', "[vt100 root]");
    await root.end();
  },

  "it is a terminal of the user's, listed as a process": async ({ sandbox }) => {
    const terminal = await open(sandbox);
    await terminal.run('echo opened >"$(tty)"; test -t 0 && test -t 2 && echo a ter""minal', "a terminal");
    await terminal.screen.shows("opened");
    const found = (await sandbox.commands.list()).find(({ pid }) => pid === terminal.handle.pid);
    deepEqual([found?.cmd, found?.args], ["/bin/bash", ["-i", "-l"]]);
    await terminal.end();
  },

  "ctrl-c interrupts what runs in it": async ({ sandbox }) => {
    const terminal = await open(sandbox);
    await terminal.run("sh -c 'echo wai''ting; exec sleep 600'", "waiting");
    // Until the foreground program is the one that sleeps: then it has the terminal.
    await terminal.type("\x03");
    await terminal.run("echo ba''ck", "back");
    await terminal.end();
  },

  "kill: true, then false; wait fails with the signal": async ({ sandbox }) => {
    const terminal = await open(sandbox);
    equal(await sandbox.pty.kill(terminal.handle.pid), true);
    await failure(terminal.handle.wait(), CommandExitError, "signal: killed");
    equal(await sandbox.pty.kill(terminal.handle.pid), false);
    equal(await terminal.handle.kill(), false);
  },

  "connect: another one sees and types": async ({ sandbox }) => {
    const first = await open(sandbox);
    const screen = new Screen();
    const second = new Terminal(sandbox, await sandbox.pty.connect(first.handle.pid, { onData: screen.onData }), screen);
    await second.run("echo bo''th", "both");
    await first.screen.shows("both");
    await first.handle.disconnect();
    await second.run("echo al''one", "alone");
    equal(first.screen.text.includes("alone"), false);
    await second.end();
  },

  "a connection that ends, and one after it": async ({ sandbox }) => {
    const first = await open(sandbox);
    await first.handle.disconnect();
    const screen = new Screen();
    const second = new Terminal(sandbox, await sandbox.pty.connect(first.handle.pid, { onData: screen.onData }), screen);
    await second.run("echo ag''ain", "again");
    await second.end();
  },

  "past timeoutMs: a TimeoutError, and it is killed": async ({ sandbox }) => {
    const handle = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {}, timeoutMs: 2000 });
    await failure(handle.wait(), TimeoutError);
    await until("it is gone", async () => !(await sandbox.commands.list()).some(({ pid }) => pid === handle.pid));
  },

  "a pid that nobody has": async ({ sandbox }) => {
    equal(await sandbox.pty.kill(999_999), false);
    await failure(sandbox.pty.connect(999_999), NotFoundError, "not found");
    await failure(sandbox.pty.resize(999_999, { cols: 80, rows: 24 }), NotFoundError);
    await failure(sandbox.pty.sendInput(999_999, new Uint8Array([10])), NotFoundError);
  },
});
