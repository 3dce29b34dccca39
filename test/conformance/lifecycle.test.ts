// The agent as a program: its options, its words, how it ends.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, AgentProcess, hangLimit, type StartOptions } from "../agent.ts";
import { putRequest } from "../client.ts";
import { host } from "../host.ts";
import { hasVsock } from "../libc.ts";
import { isAlive } from "../proc.ts";
import { remove, scratchDirectory, temporaries } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

const started: AgentProcess[] = [];
afterEach(async () => {
  for (const agent of started.splice(0)) await agent.dispose();
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the agent with arguments on which it is to exit by itself. */
async function outcome(options: StartOptions): Promise<Outcome> {
  const agent = new AgentProcess(options);
  started.push(agent);
  const stdout = agent.stdout();
  await until("the agent exits", 20, () => agent.exitCode !== null);
  return { code: await agent.exited, stdout: await stdout, stderr: agent.stderr };
}

async function start(options: StartOptions = {}): Promise<Agent> {
  const agent = await Agent.start(options);
  started.push(agent);
  return agent;
}

describe("--help and --version", () => {
  test("--help names every option on standard output", async () => {
    const { code, stdout, stderr } = await outcome({ args: ["--help"] });
    expect([code, stderr]).toEqual([0, ""]);
    const words = ["--listen", "--port", "--log", "--version", "--help", "vsock:", "unix:", "tcp:", "fd:", "SMOLVM_AGENT_PORT"];
    for (const word of words) expect(stdout).toContain(word);
  });

  test.each(["--version", "--commit"])("L013: %s is one line, and nothing else happens", async (option) => {
    const args = ["--listen", "unix:never.sock", option];
    const program = new AgentProcess({ args });
    expect(await program.exited).toBe(0);
    expect(await program.stdout()).toMatch(/^[^\n]+\n$/);
    // Bun keeps a cache at home.
    expect([program.stderr, readdirSync(program.directory).filter((name) => name !== ".bun")]).toEqual(["", []]);
    await program.dispose();
  });

  test("--version is the version that ping answers", async () => {
    const { code, stdout, stderr } = await outcome({ args: ["--version"] });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\S+ \d+\.\d+\.\d+\n$/);
    const agent = await start();
    const { object } = await agent.client.ask({ op: "ping" });
    expect(object.agent_version).toBe(stdout.trim().split(" ")[1] ?? "");
  });
});

describe("a wrong command line: exit code 2 and a sentence that names what is wrong", () => {
  const wrong: [string[], string][] = [
    [["--frobnicate"], "--frobnicate"],
    [["surplus"], "surplus"],
    [["--listen"], "--listen"],
    [["--listen", ""], "address"],
    [["--listen", "unix:"], "unix:"],
    [["--listen", `unix:/${"x".repeat(120)}`], "unix:"],
    [["--listen", "carrier-pigeon:7"], "carrier-pigeon:7"],
    [["--listen", "/just/a/path"], "/just/a/path"],
    [["--listen", "tcp:1234"], "tcp:1234"],
    [["--listen", "tcp:127.0.0.1:"], "tcp:127.0.0.1:"],
    [["--listen", "tcp:127.0.0.1:65536"], "65536"],
    [["--listen", "tcp:127.0.0.1:http"], "http"],
    [["--listen", "vsock:"], "vsock:"],
    [["--listen", "vsock:many"], "many"],
    [["--listen", "vsock:-1"], "-1"],
    [["--listen", "vsock:4294967296"], "4294967296"],
    [["--listen", "fd:x"], "fd:x"],
    [["--listen", "fd:-1"], "fd:-1"],
    [["--port"], "--port"],
    [["--port", "none"], "none"],
    [["--port", "1024x"], "1024x"],
    [["--port", "4294967296"], "4294967296"],
    [["--log"], "--log"],
    [["--log", "loud"], "loud"],
  ];
  test.each(wrong)("%j", async (args, named) => {
    const { code, stdout, stderr } = await outcome({ args });
    expect([code, stdout]).toEqual([2, ""]);
    expectSentence(stderr);
    expect(stderr).toContain(named);
  });

  test("SMOLVM_AGENT_PORT that is no port", async () => {
    const { code, stderr } = await outcome({ args: [], env: { SMOLVM_AGENT_PORT: "many" } });
    expect(code).toBe(2);
    expect(stderr).toContain("many");
  });

  function expectSentence(text: string): void {
    expect(text).toMatch(/^\S.*\n/);
    expect(text.trim().split("\n").length).toBeLessThanOrEqual(3);
    expect(text).not.toMatch(/^\s+at /m); // no stack trace
  }
});

describe("without AF_VSOCK", () => {
  test("one sentence says so and names --listen unix:PATH", async () => {
    const launcher = [process.execPath, join(import.meta.dir, "../without.ts"), "vsock"];
    const { code, stderr } = await outcome({ args: [], launcher });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("AF_VSOCK");
    expect(stderr).toContain("--listen unix:PATH");
  });
});

describe("called as smolvm-guest-agent", () => {
  test("it is the same agent", async () => {
    const program = host.command.at(-1) ?? "";
    const directory = scratchDirectory();
    const link = join(directory, "smolvm-guest-agent");
    symlinkSync(program, link);
    await Agent.with({ command: [...host.command.slice(0, -1), link] }, async (other) => {
      expect((await other.client.run("echo served")).stdout.toString()).toBe("served\n");
    });
    remove(directory);
  });

  test("it listens on vsock port 1024 by default", async () => {
    expect(hasVsock()).toBe(true);
    const agent = await start({ args: [], env: { SMOLVM_AGENT_PORT: undefined } });
    expect(agent.stderr).toContain("listening on vsock:1024");
  });
});

describe("log", () => {
  test("at info: one line with a timestamp per listener, none per request", async () => {
    const agent = await start();
    await agent.client.ping();
    await agent.client.run("exit 1");
    await agent.client.put("/nonexistent/file", Buffer.from("x"));
    (await agent.client.open({ op: "run", cmd: "sleep 60" })).close();
    await agent.settled();
    expect(agent.lines).toHaveLength(1);
    expect(agent.lines[0]).toMatch(/\d{2}:\d{2}:\d{2}.*listening on unix:/);
    expect(agent.lines[0]).toContain(`listening on unix:${agent.socket}`);
  });

  test.each(["error", "warn"])("at %s: not even that", async (level) => {
    const agent = new Agent({ args: ["--log", level, "--listen", "unix:agent.sock"] });
    started.push(agent);
    await until("it answers", 20, () => agent.client.ping().then(() => true, () => false));
    expect(agent.stderr).toBe("");
  });

  test("at debug: a line per event", async () => {
    const agent = await start({ args: ["--log", "debug", "--listen", "unix:agent.sock"] });
    const before = agent.lines.length;
    await agent.client.run("exit 1");
    await until("the request is logged", 5, () => agent.lines.length > before);
  });
});

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  /** Sends the signal; the agent is to exit with 0 and leave no socket and no process. */
  async function expectCleanEnd(agent: Agent): Promise<void> {
    agent.kill(signal);
    await until("the agent exits", 5, () => agent.exitCode !== null);
    expect(agent.exitCode).toBe(0);
    expect(existsSync(agent.socket)).toBe(false);
    await until("its commands are dead", 1, () => agent.leftovers().length === 0);
  }

  test("ends an idle agent", async () => {
    await expectCleanEnd(await start());
  });

  test("kills the groups of running commands", async () => {
    const agent = await start();
    const commands = ["echo $$; exec sleep 60", "sleep 60 & echo $!; wait", "trap '' TERM INT; echo $$; while :; do sleep 1; done", "sleep 60 & echo $!"];
    const peers = await Promise.all(commands.map((cmd) => agent.client.open({ op: "run", shell: "raw", cmd })));
    const frames = await Promise.all(peers.map((peer) => peer.frame()));
    const pids = frames.map((output) => Number(output?.payload.toString()));
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    await expectCleanEnd(agent);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("removes the temporary of an upload, the target untouched", async () => {
    const agent = await start();
    writeFileSync(agent.path("target"), "old");
    const peer = await agent.client.open(putRequest(agent.path("target"), 100));
    await peer.send(frame(frameType.data, "half"));
    await until("the upload has begun", 5, () => temporaries(agent.directory).length === 1);
    await expectCleanEnd(agent);
    expect(temporaries(agent.directory)).toEqual([]);
    expect(readFileSync(agent.path("target"), "utf8")).toBe("old");
  });

  test("ends it among idle and busy connections", async () => {
    const agent = await start();
    for (let i = 0; i < 50; i++) await agent.client.connect();
    const busy = await agent.client.open({ op: "run", shell: "raw", cmd: "yes" });
    await busy.frame();
    await expectCleanEnd(agent);
  });

  test("ends it though it was started with the signal blocked", async () => {
    await expectCleanEnd(await start({ launcher: ["env", `--block-signal=${signal.slice(3)}`] }));
  });
});

test("SIGHUP, SIGPIPE and the like do not matter more than to other programs", async () => {
  const agent = await start();
  agent.kill("SIGPIPE");
  await agent.client.ping();
});

test("started without standard descriptors it serves all the same", async () => {
  const launcher = ["sh", "-c", 'exec "$@" <&- >&-', "sh"];
  await Agent.with({ launcher }, async (agent) => {
    const result = await agent.client.run("ls /proc/self/fd; readlink /proc/self/fd/0; echo err >&2; exit 4");
    expect(result.stdout.toString()).toBe("0\n1\n2\n3\n/dev/null\n");
    expect(result.stderr.toString()).toBe("err\n");
    expect(result.object.exit_code).toBe(4);
    expect(lstatSync(agent.socket).isSocket()).toBe(true);
  });
});
