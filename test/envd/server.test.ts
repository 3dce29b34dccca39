// The daemon as a server and as a program; envd-http.md 2.1, 2.4, 2.6, 2.7 and 8.1.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import { freePort } from "../port.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

const directory = scratchDirectory();
let daemon: Daemon;
/** Idle from here on: SRV-02 comes last. */
let idle: RawClient;
let idleSince = 0;
beforeAll(async () => {
  daemon = await Daemon.start();
  idle = await RawClient.connect(daemon.port);
  await idle.get("/health");
  expect((await idle.response()).status).toBe(200);
  idleSince = performance.now();
});
afterAll(async () => {
  await daemon.dispose();
  remove(directory);
});

test("SRV-01: two requests on one connection", () =>
  RawClient.with(daemon.port, async (client) => {
    for (let i = 0; i < 2; i++) {
      await client.get("/health");
      const response = await client.response();
      expect([response.status, response.get("connection")]).toEqual([200, undefined]);
    }
  }));

test("SRV-03: an unknown path", async () => {
  const response = await daemon.fetch("/nope");
  expect(response.status).toBe(404);
  expect(await response.text()).toBe("404 page not found\n");
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
});

test("SRV-04: a wrong method on a known path", async () => {
  const response = await daemon.fetch("/files", { method: "DELETE" });
  expect(response.status).toBe(405);
  const allowed = response.headers.get("allow")?.split(/, */) ?? [];
  expect(allowed).toEqual(expect.arrayContaining(["GET", "POST"]));
  expect(await response.text()).toBe("");
});

test("SRV-05: GET /init", async () => {
  const response = await daemon.fetch("/init");
  expect([response.status, response.headers.get("allow"), await response.text()]).toEqual([405, "POST", ""]);
});

test.each(["/health/", "//health", "/./health", "/health/../health", "/Health", "/health%20", "/%68ealth"])("SRV-06: %s is no path", (path) =>
  RawClient.with(daemon.port, async (client) => {
    await client.get(path);
    expect((await client.response()).status).toBe(404);
  }));

test("SRV-07: no upgrade in place", async () => {
  expect((await daemon.fetch("/upgrade", { method: "POST" })).status).toBe(404);
});

test("SRV-08: HEAD /health", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send("HEAD /health HTTP/1.1\r\nHost: mote\r\n\r\n");
    const response = await client.response("HEAD");
    expect([response.status, response.get("content-type")]).toEqual([200, "application/json"]);
    await client.get("/health");
    expect((await client.response()).body.toString()).toContain("version");
  }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the agent as envd to its end: by that name, where a host can be called so. */
async function run(...args: string[]): Promise<Ran> {
  let command = [...host.command, "--profile", "e2b"];
  if (host.name === "x86_64") {
    const name = join(directory, "envd");
    if (!(await Bun.file(name).exists())) symlinkSync(host.command[0] ?? "", name);
    command = [name];
  }
  const child = Bun.spawn({ cmd: [...command, ...args], stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

describe("command line", () => {
  test("SRV-09, HLT-01: --version and -version print the version that /health tells", async () => {
    const { version } = (await (await daemon.fetch("/health")).json()) as { version: string };
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const words of [["--version"], ["-version"], ["-version=true"], ["--version", "--isnotfc=false"], ["-port", "1", "-version"]]) {
      expect(await run(...words)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    }
  });

  test("SRV-09: --commit prints one line", async () => {
    for (const word of ["--commit", "-commit"]) {
      const { code, stdout } = await run(word);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^[0-9a-z]+\n$/);
    }
  });

  test.each(["--bogus", "-bogus", "word", "--isnotfc=maybe", "--port", "--port=x", "-port=65536"])("SRV-09: %p is not understood", async (word) => {
    const { code, stdout, stderr } = await run(word);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("usage: envd");
  });

  test("--help prints the usage", async () => {
    const { code, stdout } = await run("--help");
    expect(code).toBe(0);
    for (const flag of ["--port", "--isnotfc", "--cmd", "--cgroup-root", "--no-cgroups", "--verbose"]) expect(stdout).toContain(flag);
  });
});

test("SRV-10: the port is taken", async () => {
  const { code, stderr } = await run("--port", `${daemon.port}`, "--isnotfc");
  expect(code).toBe(1);
  expect(stderr).toContain("Address already in use");
});

test.each([false, true])("--port is a TCP port on all addresses, and the options reach a worker: supervised %p", async (isSupervised) => {
  const port = freePort();
  const args = ["--profile", "wrenn", "-port", `${port}`, "-isnotfc=true", "-resume-handover", "--no-cgroups", "--cgroup-root", "/nope", "--verbose"];
  await Daemon.with({ args, isSupervised }, async (other) => {
    await until("it listens there too", 10, () => other.stderr.includes(`envd+tcp:0.0.0.0:${port}`));
    const response = await fetch(`http://127.0.0.2:${port}/envs`);
    expect(await response.json()).toEqual({ WRENN_SANDBOX: "false", E2B_SANDBOX: "false" });
  });
});

test.each([false, true])("SRV-12: what the daemon says of itself outside a microVM; supervised %p", (isSupervised) =>
  Daemon.with({ isSupervised }, async (other) => {
    expect(await other.envs()).toEqual({ WRENN_SANDBOX: "false", E2B_SANDBOX: "false" });
    for (const path of ["/run/wrenn/.WRENN_SANDBOX", "/run/e2b/.E2B_SANDBOX"]) expect(other.read(path).toString()).toBe("false");
  }));

test("SRV-12: and in one", () =>
  Daemon.with({ args: [] }, async (other) => {
    expect(await other.envs()).toEqual({ WRENN_SANDBOX: "true", E2B_SANDBOX: "true" });
    for (const path of ["/run/wrenn/.WRENN_SANDBOX", "/run/e2b/.E2B_SANDBOX"]) expect(other.read(path).toString()).toBe("true");
  }));

test("SRV-12: run directories that cannot be made are no reason to fail", () =>
  Daemon.with({ setup: "touch /run/wrenn; mkdir -p /run/e2b/.E2B_SANDBOX" }, async (other) => {
    expect((await other.fetch("/health")).status).toBe(200);
    expect(other.stderr).toContain("/run/wrenn");
  }));

test.each([false, true])("--cmd runs once, by a login shell, at home; supervised %p", async (isSupervised) => {
  const command = 'echo "$(pwd) $(id -un) $HOME $USER $E2B_SANDBOX $0" >> /srv/ran';
  await Daemon.with({ args: ["--isnotfc", "--cmd", command], isSupervised }, async (other) => {
    await until("it has run", 10, () => other.stderr.includes("ended with 0"));
    expect(other.read("/srv/ran").toString()).toBe("/root root /root root false /bin/bash\n");
    if (!isSupervised) return;
    const worker = Bun.spawnSync(["pgrep", "-P", `${other.pid}`]).stdout.toString().trim();
    process.kill(Number(worker), "SIGKILL");
    await until("another worker serves", 10, async () => (await other.fetch("/health").catch(() => undefined))?.status === 200);
    expect(other.read("/srv/ran").toString().split("\n")).toHaveLength(2);
  });
});

describe.each([false, true])("SRV-11: SIGTERM, supervised %p", (isSupervised) => {
  const size = 64 * 1024 * 1024;

  test("what is being answered goes on to its end, and nobody else comes in", () =>
    Daemon.with({ isSupervised, setup: `truncate -s ${size} /srv/big` }, async (other) => {
      const waiting = await RawClient.connect(other.port);
      await waiting.get("/health");
      await waiting.response();
      const client = await RawClient.connect(other.port);
      await client.get("/files?path=/srv/big");
      const head = await client.head();
      expect(head?.status).toBe(200);
      client.pause();
      other.kill("SIGTERM");
      expect(await waiting.ending()).toBe("eof");
      await until("connections are refused", 5, () => RawClient.connect(other.port).then(() => false, () => true));
      expect(other.exitCode).toBeNull();
      const before = client.received;
      client.resume();
      await client.ended();
      expect(client.received).toBeGreaterThan(before);
      expect(client.received).toBeGreaterThan(size);
      expect(await other.exited).toBe(0);
    }));

  test("what does not end is ended after 10 s", () =>
    Daemon.with({ isSupervised }, async (other) => {
      const client = await RawClient.connect(other.port);
      await client.send("POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: 5\r\n\r\n{");
      await until("the request is there", 5, async () => (await other.fetch("/health")).status === 200);
      const start = performance.now();
      other.kill("SIGTERM");
      await until("it ends", 30, () => other.exitCode !== null);
      expect(other.exitCode).toBe(0);
      expect(performance.now() - start).toBeGreaterThan(9_000);
    }));

  test("without anything to answer at once; a second one does not wait", async () => {
    await Daemon.with({ isSupervised }, async (other) => {
      const client = await RawClient.connect(other.port);
      await client.get("/health");
      await client.response();
      other.kill("SIGTERM");
      expect(await other.exited).toBe(0);
      expect(await client.ended()).toBe("eof");
    });
  });
});

test("SRV-02: a connection that was idle for 30 s", async () => {
  await Bun.sleep(Math.max(30_000 - (performance.now() - idleSince), 0));
  await idle.get("/health");
  expect((await idle.response()).status).toBe(200);
  idle.abort();
});
