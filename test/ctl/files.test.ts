import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync,
  truncateSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Agent, hangLimit } from "../agent.ts";
import { noise, remove, scratchDirectory, sha256, withTmpfs } from "../scratch.ts";
import { frame, frameType } from "../wire.ts";
import { until } from "../until.ts";
import { withPeer } from "./fake-peer.ts";
import { ending, onEachHost, startAgent } from "./program.ts";

let agent: Agent;
let directory: string;

beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent.stop());
beforeEach(() => {
  directory = scratchDirectory();
});
afterEach(() => remove(directory));

const MB = 1_000_000;

function path(name: string): string {
  return join(directory, name);
}

function mode(name: string): number {
  return statSync(path(name)).mode & 0o7777;
}

/** Bytes of a file that a process has read, by its descriptor's offset. */
function readOf(pid: number, file: string): number {
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== file) continue;
      return Number(/^pos:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1]);
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return 0;
}

onEachHost((motectl) => {
  const put = (...args: string[]) => motectl.call(["--unix", agent.socket, "put", ...args], { cwd: directory });
  const get = (...args: string[]) => motectl.call(["--unix", agent.socket, "get", ...args], { cwd: directory });

  describe("there and back", () => {
    test.each([0, 1, 65_535, 65_536, 65_537, 20 * MB])("%d bytes", async (size) => {
      const content = noise(size, size + 1);
      writeFileSync(path("local"), content);
      chmodSync(path("local"), 0o751);
      const sent = await put("local", path("remote"));
      expect({ code: sent.code, stderr: sent.stderr, stdout: sent.stdout.length }).toEqual({ code: 0, stderr: "", stdout: 0 });
      expect(sha256(readFileSync(path("remote")))).toBe(sha256(content));
      expect(mode("remote")).toBe(0o751);
      const fetched = await get(path("remote"), "back");
      expect({ code: fetched.code, stderr: fetched.stderr, stdout: fetched.stdout.length }).toEqual({ code: 0, stderr: "", stdout: 0 });
      expect(sha256(readFileSync(path("back")))).toBe(sha256(content));
      expect(mode("back")).toBe(0o751);
      expect(readdirSync(directory).sort()).toEqual(["back", "local", "remote"]);
    }, hangLimit);
  });

  describe("put", () => {
    test("--mode sets the permission bits", async () => {
      writeFileSync(path("local"), "x");
      await put("local", path("remote"), "--mode", "4750");
      expect(mode("remote")).toBe(0o4750);
    }, hangLimit);

    test("- is standard input, whose size need not be known; mode 0600", async () => {
      const content = noise(3 * MB, 7);
      const remote = path("remote");
      const { stderr } = await motectl.call(["--unix", agent.socket, "put", "-", remote], { stdin: content });
      expect(stderr).toBe("");
      expect(sha256(readFileSync(remote))).toBe(sha256(content));
      expect(mode("remote")).toBe(0o600);
    }, hangLimit);

    test("an empty standard input makes an empty file", async () => {
      expect((await put("-", path("remote"))).code).toBe(0);
      expect(readFileSync(path("remote")).length).toBe(0);
    }, hangLimit);

    test("a pipe by name, and a file of /proc, which tell no size", async () => {
      await motectl.script(`motectl --unix ${agent.socket} put <(echo piped) ${path("remote")}`);
      expect(readFileSync(path("remote"), "utf8")).toBe("piped\n");
      await put("/proc/version", path("version"));
      expect(readFileSync(path("version"), "utf8")).toBe(readFileSync("/proc/version", "utf8"));
    }, hangLimit);

    test.each([
      ["missing", "none", "motectl: cannot read none: No such file or directory\n"],
      ["a directory", ".", "motectl: cannot read .: Is a directory\n"],
    ])("local file %s", async (_, local, message) => {
      const { code, stderr } = await put(local, path("remote"));
      expect(stderr).toBe(message);
      expect(code).toBe(1);
      await until("the upload is undone", 5, () => readdirSync(directory).length === 0);
    }, hangLimit);

    test("the agent's reason is shown", async () => {
      writeFileSync(path("local"), noise(MB));
      const { code, stderr } = await put("local", path("none/remote"));
      expect(stderr).toContain("refused: cannot create file: [Errno 2] No such file or directory");
      expect(code).toBe(1);
    }, hangLimit);

    test.each([
      ["shrinks", (file: string) => truncateSync(file, 4 * MB), 4 * MB],
      ["grows", (file: string) => appendFileSync(file, "more"), 20 * MB + 4],
    ])("a file that %s meanwhile is noticed, and nothing is stored", async (_, change, size) => {
      const local = path("local");
      writeFileSync(local, noise(20 * MB));
      writeFileSync(path("remote"), "old");
      agent.kill("SIGSTOP");
      const child = motectl.start(["--unix", agent.socket, "put", local, path("remote")]);
      await until("the file is being read", 10, () => readOf(child.pid, local) > 0);
      change(local);
      agent.kill("SIGCONT");
      const { code, stderr } = await ending(child);
      expect(stderr).toBe(`motectl: ${local} changed while it was sent: it had ${20 * MB} bytes and has ${size} now\n`);
      expect(code).toBe(1);
      await until("the upload is undone", 5, () => readdirSync(directory).length === 2);
      expect(readFileSync(path("remote"), "utf8")).toBe("old");
    }, hangLimit);

    test("an upload that is killed leaves nothing", async () => {
      const child = motectl.start(["--unix", agent.socket, "put", "/dev/zero", path("remote")]);
      await until("the upload goes on", 10, () => readdirSync(directory).length === 1);
      child.kill("SIGINT");
      await child.exited;
      await until("the upload is undone", 5, () => readdirSync(directory).length === 0);
    }, hangLimit);

    test.each([
      ["and goes on listening", false],
      ["and closes", true],
    ])("an agent that refuses early %s is heard", async (_, closes) => {
      writeFileSync(path("local"), noise(8 * MB));
      await withPeer(async (peer) => {
        await peer.request();
        await peer.json({ ok: false, error: "no room" });
        if (closes) peer.end();
      }, async (socket) => {
        const { code, stderr } = await motectl.call(["--unix", socket, "put", path("local"), "/x"]);
        expect(stderr).toBe(`motectl: the agent at unix:${socket} refused: no room\n`);
        expect(code).toBe(1);
      });
    }, hangLimit);

    test("an agent that is content too early is not believed", async () => {
      writeFileSync(path("local"), noise(8 * MB));
      await withPeer(async (peer) => {
        await peer.request();
        await peer.json({ ok: true });
      }, async (socket) => {
        const { code, stderr } = await motectl.call(["--unix", socket, "put", path("local"), "/x"]);
        expect(stderr).toContain("was content before it had all of");
        expect(code).toBe(1);
      });
    }, hangLimit);
  });

  describe("get", () => {
    test("- is standard output", async () => {
      const content = noise(3 * MB);
      writeFileSync(path("remote"), content);
      const { stdout, stderr } = await get(path("remote"), "-");
      expect(stderr).toBe("");
      expect(sha256(stdout)).toBe(sha256(content));
    }, hangLimit);

    test("a file of /proc comes whole", async () => {
      expect((await get("/proc/version", "-")).stdout.toString()).toBe(readFileSync("/proc/version", "utf8"));
    }, hangLimit);

    test("set-user-id, set-group-id and sticky do not come along", async () => {
      writeFileSync(path("remote"), "x");
      chmodSync(path("remote"), 0o7755);
      await get(path("remote"), "local");
      expect(mode("local")).toBe(0o755);
    }, hangLimit);

    test("replaces a file", async () => {
      writeFileSync(path("remote"), "new");
      writeFileSync(path("local"), "old");
      await get(path("remote"), path("local"));
      expect(readFileSync(path("local"), "utf8")).toBe("new");
    }, hangLimit);

    test.each([
      ["missing", "/none", "refused: [Errno 2] No such file or directory: '/none'"],
      ["a directory", "/", "refused: not a regular file"],
    ])("remote file %s", async (_, remote, message) => {
      const { code, stderr } = await get(remote, "local");
      expect(stderr).toContain(message);
      expect(code).toBe(1);
      expect(readdirSync(directory)).toEqual([]);
    }, hangLimit);

    test("what is no regular file is not replaced", async () => {
      mkdirSync(path("directory"));
      symlinkSync("/dev/null", path("device"));
      for (const local of ["directory", "device"]) {
        const { code, stderr } = await get("/etc/passwd", local);
        expect(stderr).toBe(`motectl: ${local} is there and is no regular file; name a file, or - for standard output\n`);
        expect(code).toBe(1);
      }
      expect(readdirSync(directory).sort()).toEqual(["device", "directory"]);
    }, hangLimit);

    test("a directory that is missing here is said", async () => {
      const { code, stderr } = await get("/etc/passwd", "none/local");
      expect(stderr).toBe("motectl: cannot write none/local: No such file or directory\n");
      expect(code).toBe(1);
    }, hangLimit);

    test("a full disk is said, and leaves nothing", async () => {
      writeFileSync(path("remote"), noise(2 * MB));
      mkdirSync(path("small"));
      await withTmpfs(path("small"), "size=1m", async () => {
        const { code, stderr } = await get(path("remote"), "small/local");
        expect(stderr).toBe("motectl: cannot write small/local: No space left on device\n");
        expect(code).toBe(1);
        expect(readdirSync(path("small"))).toEqual([]);
      });
    }, hangLimit);

    const cutOff: [string, Buffer[]][] = [
      ["before its end mark", [frame(frameType.data, noise(100_000))]],
      ["within a frame", [frame(frameType.data, noise(100_000)).subarray(0, 50_000)]],
      ["within a header", [frame(frameType.data, noise(100_000)), Buffer.from([4, 0])]],
      ["by a frame that has no place there", [frame(frameType.data, noise(100_000)), frame(frameType.stdout, "x")]],
    ];

    test.each(cutOff)("a stream cut off %s is an error and leaves the old file alone", async (_, frames) => {
      writeFileSync(path("local"), "old");
      await withPeer(async (peer) => {
        await peer.request();
        await peer.json({ ok: true, mode: 0o644, size: 100_000 });
        for (const bytes of frames) await peer.send(bytes);
        peer.end();
      }, async (socket) => {
        const { code, stderr } = await motectl.call(["--unix", socket, "get", "/x", "local"], { cwd: directory });
        expect(stderr).toMatch(/^motectl: .+\n$/);
        expect(code).toBe(1);
      });
      expect(readdirSync(directory)).toEqual(["local"]);
      expect(readFileSync(path("local"), "utf8")).toBe("old");
    }, hangLimit);

    test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s leaves nothing and is what it dies of", async (signal) => {
      await withPeer(async (peer) => {
        await peer.request();
        await peer.json({ ok: true, mode: 0o644, size: 10 * MB });
        await peer.send(frame(frameType.data, noise(100_000)));
      }, async (socket) => {
        const child = motectl.start(["--unix", socket, "get", "/x", "local"], { cwd: directory });
        await until("the download goes on", 10, () => readdirSync(directory).length === 1);
        child.kill(signal);
        expect((await ending(child)).signal).toBe(signal);
        expect(readdirSync(directory)).toEqual([]);
      });
    }, hangLimit);
  });
});
