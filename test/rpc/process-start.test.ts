// What a process is started with; envd-rpc.md 3.2, 3.3, 6.4.

import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import * as proc from "../proc.ts";
import { Daemon } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { Cases, expectRefused } from "./cases.ts";
import { envelope } from "../connect/envelope.ts";
import { Client } from "./client.ts";
import { HttpStream } from "./http.ts";

// Programs that an image may lack are out of the way for S20: nothing here needs them.
const cases = new Cases({
  setup: "for p in nice ionice; do mount --bind /etc/hosts $(command -v $p); done; mkdir -m 700 /srv/closed; umask 022",
  env: { SECRET: "of the daemon" },
});

async function output(client: Client, script: string, options = {}, request = {}): Promise<string> {
  const { stdout, stderr, end } = await client.run(script, options, request);
  expect([stderr.toString(), end?.exitCode]).toEqual(["", 0]);
  return stdout.toString().trimEnd();
}

cases.both("S08: a command without a slash is looked up in its own path", async (client) => {
  const run = async (path: string): Promise<number | undefined> =>
    (await (await client.start({ cmd: "true", envs: { PATH: path } })).outcome()).end?.exitCode;
  expect(await run("/bin")).toBe(0);
  expect(await run("/nonexistent")).toBe(127);
});

cases.both("S09: what cannot be is refused before anything is started", async (client) => {
  const refused = (request: object): Promise<void> => expectRefused(client.stream("Start", request as never), "invalid_argument");
  await expectRefused(client.stream("Start", {}), "invalid_argument", "process config required");
  await refused({ process: {} });
  await refused({ process: { cmd: "" } });
  await refused({ process: { cmd: "/bin/touch", args: ["/srv/s09", "\0"] } });
  await refused({ process: { cmd: "/bin/touch\0", args: ["/srv/s09"] } });
  await refused({ process: { cmd: "/bin/touch", args: ["/srv/s09"], cwd: "/\0" } });
  for (const envs of [{ "A=B": "c" }, { "": "x" }, { "A\0": "x" }, { A: "\0" }]) {
    await refused({ process: { cmd: "/bin/touch", args: ["/srv/s09"], envs } });
  }
  expect(await client.list()).toEqual([]);
  expect(existsSync(cases.daemon.inside("/srv/s09"))).toBe(false);
});

cases.both("S10: an argument that is too long is an error, not a process", async (client) => {
  await expectRefused(client.start({ cmd: "/bin/true", args: ["x".repeat(3 << 20)] }), "invalid_argument", "Argument list too long");
  expect(await client.list()).toEqual([]);
  const name = "x".repeat(3 << 20);
  for (const cmd of [name, `/${name}`]) expect((await (await client.start({ cmd })).outcome()).end?.exitCode).toBe(127);
});

cases.both("S11: a command that looks like an option is a command", async (client) => {
  const { end } = await (await client.start({ cmd: "-n", args: ["5", "true"] })).outcome();
  expect(end?.exitCode).toBe(127);
});

cases.both("S12: the environment is the account's, and nothing else's", async (client) => {
  const lines = (await (await client.start({ cmd: "/usr/bin/env" }, { user: "user" })).outcome()).stdout.toString().trimEnd().split("\n");
  expect(lines.sort()).toEqual([
    "E2B_SANDBOX=false", "HOME=/home/user", "LOGNAME=user", `PATH=${process.env.PATH}`, "PWD=/home/user", "USER=user", "WRENN_SANDBOX=false",
  ]);
});

cases.both("S13: variables of the request win", async (client) => {
  const envs = { HOME: "/x", PWD: "/y", EMPTY: "", "NAME WITH SPACE": "v", UTF: "é\u{fdd0}\u{fde1}" };
  const text = (await (await client.start({ cmd: "/usr/bin/env", envs })).outcome()).stdout.toString();
  for (const [name, value] of Object.entries(envs)) expect(text).toContain(`${name}=${value}\n`);
  expect(text.match(/^HOME=/gm)).toHaveLength(1);
});

cases.both("S14: variables of one process are not the next one's", async (client) => {
  await client.run("true", {}, { envs: { SECOND: "hand" } });
  expect(await output(client, "echo ${SECOND-none} ${SECRET-none}")).toBe("none none");
});

cases.both("S15: the user is the one of the request, with all groups, else the default one", async (client) => {
  expect(await output(client, "id -u; id -g; id -G", { user: "user" })).toBe("1000\n1000\n1000 2000");
  expect(await output(client, "id -u; id -g; id -G")).toBe("0\n0\n0");
  await expectRefused(client.sh("true", { user: "nobody-of-that-name" }), "unauthenticated", "invalid username: 'nobody-of-that-name'");
  await expectRefused(client.sh("true", { user: "" }), "unauthenticated", "invalid username: ''");
});

test("S13, S15, S16: what /init sets holds for all that is started after it", () =>
  Daemon.with({}, async (daemon) => {
    const client = new Client(daemon.port, "json");
    const body = { defaultUser: "user", defaultWorkdir: "/srv", envVars: { HOME: "/global", TERM: "global", OWN: "global" } };
    const response = await fetch(`${daemon.url}/init`, { method: "POST", body: JSON.stringify(body) });
    expect(response.status).toBe(204);
    expect(await output(client, "id -un; echo $HOME $OWN $TERM; pwd")).toBe("user\n/global global global\n/srv");
    expect(await output(client, "id -un", { user: "root" })).toBe("root");
    expect(await output(client, "echo $OWN; pwd", {}, { envs: { OWN: "mine" }, cwd: "/" })).toBe("mine\n/");
    await fetch(`${daemon.url}/init`, { method: "POST", body: JSON.stringify({ defaultUser: "ghost" }) });
    await expectRefused(client.sh("true"), "unauthenticated", "invalid default user: 'ghost'");
  }));

test("the command of --cmd is a process like others, tagged init-cmd", () =>
  Daemon.with({ args: ["--isnotfc", "--cmd", "echo up; sleep 100"] }, async (daemon) => {
    const client = new Client(daemon.port, "proto");
    await until("it is listed", 20, async () => (await client.list()).length === 1);
    expect(await client.list()).toMatchObject([{ tag: "init-cmd", config: { cmd: "/bin/bash", args: ["-l", "-c", "echo up; sleep 100"] } }]);
    const stream = await client.connect({ tag: "init-cmd" });
    await stream.started();
    await client.kill({ tag: "init-cmd" });
    expect((await stream.outcome()).end?.status).toBe("signal: killed");
  }));

cases.both("S16: the directory", async (client) => {
  await output(client, "mkdir -p ~/d", { user: "user" });
  const pwd = (cwd?: string): Promise<string> => output(client, "pwd; pwd -P", { user: "user" }, cwd === undefined ? {} : { cwd });
  expect(await pwd()).toBe("/home/user\n/home/user");
  expect(await pwd("")).toBe("/home/user\n/home/user");
  for (const cwd of ["d", "~/d", "/home/user/d", "../user/d"]) expect(await pwd(cwd)).toBe("/home/user/d\n/home/user/d");
  await expectRefused(client.sh("true", { user: "user" }, { cwd: "~bob" }), "invalid_argument", "cannot expand");
});

cases.both("S17: a directory that is none", async (client) => {
  await expectRefused(client.sh("true", {}, { cwd: "/srv/nowhere" }), "invalid_argument", "cwd '/srv/nowhere' does not exist");
  await expectRefused(client.sh("true", {}, { cwd: "/etc/hosts" }), "invalid_argument", "cwd '/etc/hosts' is not a directory");
  await expectRefused(client.sh("true", {}, { cwd: `/${"x".repeat(300_000)}` }), "invalid_argument");
  expect(await client.list()).toEqual([]);
});

cases.both("S18: a directory that the user may not enter", async (client) => {
  await expectRefused(client.sh("true", { user: "user" }, { cwd: "/srv/closed" }), "invalid_argument", "/srv/closed");
  expect(await output(client, "pwd", {}, { cwd: "/srv/closed" })).toBe("/srv/closed");
});

cases.both("S19: nice 0 and oom_score_adj 100, for root and for others", async (client) => {
  const script = "cat /proc/self/oom_score_adj; cut -d' ' -f19 /proc/self/stat";
  expect(await output(client, script)).toBe("100\n0");
  expect(await output(client, script, { user: "user" })).toBe("100\n0");
});

cases.both("S20: an image without nice and ionice", async (client) => {
  expect((await client.run("nice true")).end?.exitCode).not.toBe(0);
  expect(await output(client, "echo runs")).toBe("runs");
});

cases.both("S21: no descriptor but its own three", async (client) => {
  const terminals = await Promise.all(Array.from({ length: 5 }, () => client.start({ cmd: "/bin/cat", pty: {} })));
  const pids = await Promise.all(terminals.map((terminal) => terminal.started()));
  // 3 is what the directory is read through.
  expect(await output(client, "ls /proc/self/fd")).toBe("0\n1\n2\n3");
  const terminal = await (await client.start({ cmd: "/bin/ls", args: ["/proc/self/fd"], pty: {} })).outcome();
  expect(terminal.pty.toString().split(/\s+/).filter((word) => word !== "")).toEqual(["0", "1", "2", "3"]);
  for (const pid of pids) await client.kill({ pid });
  await Promise.all(terminals.map((one) => one.outcome()));
});

cases.both("S22: signals, umask and the limit on descriptors are as for a process of its own", async (client) => {
  const script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; umask; ulimit -Sn";
  const [blocked, ignored, umask, limit] = (await output(client, script)).split("\n");
  expect([blocked, ignored, umask]).toEqual(["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "0022"]);
  expect(limit).toBe(Bun.spawnSync(["sh", "-c", "ulimit -Sn"]).stdout.toString().trim());
});

cases.both("S23: without input, the end of it comes at once", async (client) => {
  expect(await output(client, "read x; echo $?")).toBe("1");
  expect(await output(client, "readlink /proc/self/fd/0")).toBe("/dev/null");
});

cases.both("S24: with input, by default", async (client) => {
  const stream = await client.start({ cmd: "/bin/cat" });
  const pid = await stream.started();
  await client.stdin({ pid }, "abc");
  await client.closeStdin({ pid });
  const { stdout, end } = await stream.outcome();
  expect([stdout.toString(), end?.exitCode]).toEqual(["abc", 0]);
});

cases.once("S37: of half a request nothing is started", async (client) => {
  const before = await cases.idleDescriptors();
  const body = envelope(Buffer.from(JSON.stringify({ process: { cmd: "/bin/touch", args: ["/srv/s37"] } })));
  const headers = { "Content-Type": "application/connect+json", "Content-Length": String(body.length) };
  for (const end of ["close", "reset"] as const) {
    const http = await HttpStream.open(cases.daemon.port, "/process.Process/Start", headers);
    http.send(body.subarray(0, body.length - 1));
    await until("the request has come", 20, () => cases.daemon.descriptors() > before);
    http[end]();
    await until("the daemon has seen the end", 20, () => cases.daemon.descriptors() === before);
  }
  expect(await client.list()).toEqual([]);
  expect(existsSync(cases.daemon.inside("/srv/s37"))).toBe(false);
});

cases.once("the child is nobody's session leader, and its files are the user's", async (client) => {
  const [session, own] = (await output(client, "cut -d' ' -f6 /proc/self/stat; echo $$", { user: "user" })).split("\n");
  expect(session).not.toBe(own ?? "");
  await output(client, "touch ~/mine", { user: "user" });
  expect(statSync(cases.daemon.inside("/home/user/mine")).uid).toBe(1000);
  expect(proc.children(cases.daemon.pid)).toEqual([]);
});
