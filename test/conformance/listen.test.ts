// Where the agent listens: Unix sockets stale and live, TCP, inherited descriptors, AF_VSOCK.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent, AgentProcess, hangLimit, type StartOptions } from "../agent.ts";
import { Client, lastReply, runResult } from "../client.ts";
import { connectVsock, hasVsockLoopback, listenUnix, socketPair } from "../libc.ts";
import { Peer } from "../peer.ts";
import { freePort } from "../port.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { request } from "../wire.ts";

const tcpPort = freePort();

setDefaultTimeout(hangLimit);

const started: AgentProcess[] = [];
afterEach(async () => {
  for (const agent of started.splice(0)) await agent.dispose();
});

async function start(options: StartOptions = {}): Promise<Agent> {
  const agent = await Agent.start(options);
  started.push(agent);
  return agent;
}

/** Runs the agent where it cannot listen: it exits with 1 and one sentence. */
async function refusal(args: string[]): Promise<string> {
  const agent = new AgentProcess({ args });
  started.push(agent);
  await until("the agent exits", 20, () => agent.exitCode !== null);
  expect(agent.exitCode).toBe(1);
  expect(agent.stderr).not.toMatch(/^\s+at /m);
  return agent.stderr;
}

async function expectServed(client: Client): Promise<void> {
  await client.ping();
  expect((await client.run("echo served")).stdout.toString()).toBe("served\n");
}

describe("unix:PATH", () => {
  test("is a socket that is removed at the end", async () => {
    const agent = await start();
    expect(lstatSync(agent.socket).isSocket()).toBe(true);
    agent.kill("SIGTERM");
    await agent.exited;
    expect(existsSync(agent.socket)).toBe(false);
  });

  test("left by a killed agent is replaced", async () => {
    const first = await start();
    first.kill("SIGKILL");
    await first.exited;
    expect(existsSync(first.socket)).toBe(true);
    const second = await start({ args: ["--listen", `unix:${first.socket}`] });
    await expectServed(first.client);
    second.kill("SIGTERM");
    await second.exited;
    expect(existsSync(first.socket)).toBe(false);
  });

  test("of a live agent is left alone", async () => {
    const first = await start();
    const inode = statSync(first.socket).ino;
    const said = await refusal(["--listen", `unix:${first.socket}`]);
    expect(said).toContain(first.socket);
    expect(statSync(first.socket).ino).toBe(inode);
    await expectServed(first.client);
  });

  test("of a live agent that is at its limit of connections is left alone", async () => {
    const directory = scratchDirectory();
    const fd = listenUnix(`${directory}/full`, 0); // nobody accepts
    const waiting = await Peer.connect({ unix: `${directory}/full` });
    const inode = statSync(`${directory}/full`).ino;
    await refusal(["--listen", `unix:${directory}/full`]);
    expect(statSync(`${directory}/full`).ino).toBe(inode);
    waiting.close();
    closeSync(fd);
    remove(directory);
  });

  test("that is a file, or a symlink to one, is left alone", async () => {
    const directory = scratchDirectory();
    writeFileSync(`${directory}/file`, "precious");
    symlinkSync("file", `${directory}/link`);
    for (const name of ["file", "link"]) {
      expect(await refusal(["--listen", `unix:${directory}/${name}`])).toContain(name);
      expect(readFileSync(`${directory}/${name}`, "utf8")).toBe("precious");
    }
    remove(directory);
  });

  test("in a directory that is missing: it says so", async () => {
    expect(await refusal(["--listen", "unix:/nonexistent/agent.sock"])).toMatch(/\/nonexistent\/agent\.sock.*No such file or directory/);
  });

  test("relative to the working directory, and of 107 bytes", async () => {
    const name = "s".repeat(107);
    const agent = await start({ args: ["--listen", `unix:${name}`, "--listen", "unix:agent.sock"], listeners: 2 });
    expect(lstatSync(agent.path(name)).isSocket()).toBe(true);
    await expectServed(agent.client);
  });

  test("cannot be bound twice by one agent", async () => {
    await refusal(["--listen", "unix:twice.sock", "--listen", "unix:twice.sock"]);
  });
});

describe("tcp:HOST:PORT", () => {
  test.each(["127.0.0.1", "localhost"])("%s", async (hostname) => {
    const agent = await start({ args: ["--listen", `tcp:${hostname}:${tcpPort}`] });
    expect(agent.stderr).toContain(`listening on tcp:${hostname}:${tcpPort}`);
    await expectServed(new Client({ hostname: "127.0.0.1", port: tcpPort }));
  });

  test("can be taken again at once by the next agent", async () => {
    const args = ["--listen", `tcp:127.0.0.1:${tcpPort}`];
    const client = new Client({ hostname: "127.0.0.1", port: tcpPort });
    for (let round = 0; round < 3; round++) {
      const agent = await start({ args });
      const peer = await client.open({ op: "run", shell: "raw", cmd: "yes" });
      await peer.frame();
      agent.kill("SIGTERM"); // the agent closes first, which leaves the port in TIME_WAIT
      await agent.exited;
      peer.close();
    }
  });

  test("in use: it says so", async () => {
    await start({ args: ["--listen", `tcp:127.0.0.1:${tcpPort}`] });
    expect(await refusal(["--listen", `tcp:127.0.0.1:${tcpPort}`])).toContain(`${tcpPort}`);
  });
});

test("several --listen are all served", async () => {
  const args = ["--listen", "unix:agent.sock", "--listen", "unix:second.sock", "--listen", `tcp:127.0.0.1:${tcpPort}`];
  const agent = await start({ args, listeners: 3 });
  const second = new Client({ unix: agent.path("second.sock") });
  const tcp = new Client({ hostname: "127.0.0.1", port: tcpPort });
  await Promise.all([agent.client, second, tcp].map(expectServed));
  agent.kill("SIGTERM");
  await agent.exited;
  expect([existsSync(agent.socket), existsSync(agent.path("second.sock"))]).toEqual([false, false]);
});

test("when one of several cannot be had, none stays behind", async () => {
  const directory = scratchDirectory();
  await refusal(["--listen", `unix:${directory}/first.sock`, "--listen", "unix:/nonexistent/agent.sock"]);
  expect(existsSync(`${directory}/first.sock`)).toBe(false);
  remove(directory);
});

describe("fd:N", () => {
  test("a listening descriptor is served, its path left alone at the end", async () => {
    const directory = scratchDirectory();
    const fd = listenUnix(`${directory}/inherited`);
    const agent = await start({ args: ["--listen", "fd:3"], inherit: [fd] });
    closeSync(fd);
    const client = new Client({ unix: `${directory}/inherited` });
    await expectServed(client);
    expect((await client.run("ls /proc/self/fd")).stdout.toString()).toBe("0\n1\n2\n3\n");
    agent.kill("SIGTERM");
    expect(await agent.exited).toBe(0);
    expect(existsSync(`${directory}/inherited`)).toBe(true);
    remove(directory);
  });

  test("a connected descriptor is served its one request", async () => {
    const [ours, theirs] = socketPair();
    const agent = await start({ args: ["--listen", "fd:3", "--listen", "unix:agent.sock"], inherit: [theirs], listeners: 2 });
    closeSync(theirs);
    const peer = await Peer.connect({ fd: ours });
    await peer.send(request({ op: "run", shell: "raw", cmd: "ls /proc/self/fd; exit 6" }));
    const result = await runResult(peer);
    expect(result.stdout.toString()).toBe("0\n1\n2\n3\n");
    expect(result.object.exit_code).toBe(6);
    await expectServed(agent.client);
  });

  test("a connected descriptor alone: the agent ends with it", async () => {
    const [ours, theirs] = socketPair();
    const agent = await start({ args: ["--listen", "fd:3"], inherit: [theirs] });
    closeSync(theirs);
    const peer = await Peer.connect({ fd: ours });
    await peer.send(request({ op: "ping" }));
    expect((await lastReply(peer)).object.op).toBe("pong");
    await until("the agent exits", 5, () => agent.exitCode !== null);
    expect(agent.exitCode).toBe(0);
  });

  test("that is not open, or no socket: it says so", async () => {
    expect(await refusal(["--listen", "fd:99"])).toContain("fd:99");
    expect(await refusal(["--listen", "fd:0"])).toContain("fd:0"); // /dev/null
  });
});

describe("AF_VSOCK", () => {
  const port = 30_000 + (process.pid % 10_000);
  const spellings: [string, StartOptions][] = [
    [`--listen vsock:${port}`, { args: ["--listen", `vsock:${port}`] }],
    [`--listen vsock://${port}`, { args: ["--listen", `vsock://${port}`] }],
    [`--port ${port}`, { args: ["--port", `${port}`] }],
    ["SMOLVM_AGENT_PORT", { args: [], env: { SMOLVM_AGENT_PORT: `${port}` } }],
    ["--port over SMOLVM_AGENT_PORT", { args: ["--port", `${port}`], env: { SMOLVM_AGENT_PORT: "1" } }],
  ];
  const isCarried = hasVsockLoopback();

  test.each(spellings)("%s", async (_, options) => {
    const agent = await start(options);
    expect(agent.stderr).toMatch(new RegExp(`listening on vsock:(//)?${port}\\n`));
    if (!isCarried) return; // this kernel carries no vsock to itself; that it was bound is all there is to see
    for (let round = 0; round < 3; round++) {
      const fd = connectVsock(port);
      if (fd === undefined) throw new Error("nobody answers on the port");
      await new Client({ fd }).ping();
    }
  });

  test("a port in use: it says so", async () => {
    await start({ args: ["--port", `${port}`] });
    expect(await refusal(["--port", `${port}`])).toContain(`${port}`);
  });
});
