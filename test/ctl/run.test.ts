import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { memory } from "../proc.ts";
import { sha256 } from "../scratch.ts";
import { until } from "../until.ts";
import { withPeer } from "./fake-peer.ts";
import { ending, nativeAgent, onEachHost, startAgent, type CallOptions, type Program, type Result } from "./program.ts";

let agent: Agent;

beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent.stop());

const MB = 1_000_000;

function run(motectl: Program, args: readonly string[], options: CallOptions = {}): Promise<Result> {
  return motectl.call(["--unix", agent.socket, "run", ...args], options);
}

onEachHost((motectl) => {
  describe("output", () => {
    test("both streams come out where they belong", async () => {
      const { code, stdout, stderr } = await run(motectl, ["--", "echo out; echo err >&2; echo again"]);
      expect(stdout.toString()).toBe("out\nagain\n");
      expect(stderr).toBe("err\n");
      expect(code).toBe(0);
    }, hangLimit);

    test("comes as it is written, not at the end", async () => {
      const child = motectl.start(["--unix", agent.socket, "run", "--", "echo first; sleep 60"]);
      const first = await child.stdout.getReader().read();
      expect(Buffer.from(first.value ?? []).toString()).toBe("first\n");
      child.kill("SIGKILL");
      await child.exited;
      await until("the command is gone with its client", 5, () => agent.leftovers().length === 0);
    }, hangLimit);

    test("is bytes, whatever they are", async () => {
      const { stdout } = await run(motectl, ["--", "printf '\\000\\377\\r\\n\\200'"]);
      expect([...stdout]).toEqual([0, 255, 13, 10, 128]);
    }, hangLimit);

    test("50 MB arrive whole", async () => {
      const { code, stdout } = await run(motectl, ["--raw", "yes 0123456789abcde | head -c 50000000"]);
      expect(sha256(stdout)).toBe(sha256(Buffer.alloc(50 * MB, "0123456789abcde\n")));
      expect(code).toBe(0);
    }, hangLimit);

    test("is held back by a slow reader, in constant memory", async () => {
      const child = motectl.start(["--unix", agent.socket, "run", "--raw", "yes"]);
      const reader = child.stdout.getReader();
      const idle = memory(child.pid).rss;
      let received = 0;
      while (received < 200 * MB) received += (await reader.read()).value?.length ?? 0;
      await Bun.sleep(100);
      const grown = memory(child.pid).rss - idle;
      child.kill("SIGKILL");
      await child.exited;
      expect(grown).toBeLessThan(motectl.isNative ? MB : 100 * MB);
    }, hangLimit);

    test("a closed standard output ends it quietly, and the command", async () => {
      const { stdout, stderr } = await motectl.script(
        `motectl --unix ${agent.socket} run yes | head -1; echo "\${PIPESTATUS[0]}"`,
      );
      expect(stdout.toString()).toBe("y\n141\n");
      expect(stderr).toBe("");
      await until("the command is gone with its client", 5, () => agent.leftovers().length === 0);
    }, hangLimit);

    test("a full disk is said, and is no success", async () => {
      const { stdout, stderr } = await motectl.script(`motectl --unix ${agent.socket} run 'echo x' >/dev/full; echo $?`);
      expect(stderr).toBe("motectl: cannot write to standard output: No space left on device\n");
      expect(stdout.toString()).toBe("125\n");
    }, hangLimit);
  });

  describe("exit code", () => {
    test.each([
      ["0", "true", 0],
      ["the command's", "exit 3", 3],
      ["255", "exit 255", 255],
      ["not found", "/none", 127],
      ["128+9 for SIGKILL", "kill -9 $$", 137],
      ["128+15 for SIGTERM", "kill -15 $$", 143],
    ])("%s", async (_, command, expected) => {
      expect((await run(motectl, ["--raw", "--", command])).code).toBe(expected);
    }, hangLimit);

    test("124 after the timeout, with a message and the output so far", async () => {
      const { code, stdout, stderr } = await run(motectl, ["--raw", "--timeout", "1.5", "--", "echo early; sleep 60"]);
      expect(code).toBe(124);
      expect(stdout.toString()).toBe("early\n");
      expect(stderr).toBe("motectl: the command was killed: it took longer than 1.5 s\n");
    }, hangLimit);

    test("125 when the agent cannot run it, with its reason", async () => {
      const shellless = await Agent.start({ command: [nativeAgent], env: { SHELL: "/none" } });
      const { code, stderr } = await motectl.call(["--unix", shellless.socket, "run", "true"]);
      await shellless.stop();
      expect(stderr).toMatch(/^motectl: the agent at unix:\S+ refused: spawn failed: \[Errno 2\] No such file or directory: '\/none'\n$/);
      expect(code).toBe(125);
    }, hangLimit);

    test("125 when nobody listens, with the address and what to check", async () => {
      const { code, stderr } = await motectl.call(["--unix", "/none.sock", "run", "true"]);
      expect(code).toBe(125);
      expect(stderr).toBe(
        "motectl: cannot connect to unix:/none.sock: No such file or directory; " +
          "check that an agent listens on that path and that you may open it\n",
      );
    }, hangLimit);

    test("125 when the agent goes away meanwhile", async () => {
      await withPeer(async (peer) => {
        await peer.request();
        await peer.send(Buffer.from([2, 0, 0, 0, 2, 104, 105]));
        peer.end();
      }, async (path) => {
        const { code, stdout, stderr } = await motectl.call(["--unix", path, "run", "true"]);
        expect(stdout.toString()).toBe("hi");
        expect(stderr).toContain("closed the connection before the end of its answer");
        expect(code).toBe(125);
      });
    }, hangLimit);
  });

  describe("command", () => {
    test("one word is a script", async () => {
      expect((await run(motectl, ["--", "echo a; echo $((1+1))"])).stdout.toString()).toBe("a\n2\n");
    }, hangLimit);

    const words = ["a b", "it's", "$HOME", "", "*", "`id`", "\\", '"', "~", "a\nb", "-n", "x=1", "ü"];

    test("several words arrive as they are", async () => {
      const { stdout } = await run(motectl, ["--", "printf", "<%s>", ...words]);
      expect(stdout.toString()).toBe(words.map((word) => `<${word}>`).join(""));
    }, hangLimit);

    test("may be long", async () => {
      const { stdout } = await run(motectl, ["--raw", "--", "echo", "x".repeat(100_000)]);
      expect(stdout.toString()).toBe(`${"x".repeat(100_000)}\n`);
    }, hangLimit);

    test("begins at the first word that is no option", async () => {
      expect((await run(motectl, ["printf", "%s", "--raw", "-e"])).stdout.toString()).toBe("--raw-e");
    }, hangLimit);

    test("options after -- are the command's, with an equals sign too", async () => {
      expect((await run(motectl, ["--", "printf", "%s ", "--help", "--a=b"])).stdout.toString()).toBe("--help --a=b ");
      expect((await run(motectl, ["--", "--a=b", "c"])).code).toBe(127);
    }, hangLimit);

    test("-e lays variables over the environment", async () => {
      const { stdout } = await run(motectl, ["-e", "A=1", "--env=B=x=y z", "-e", "C=", "--", 'echo "$A|$B|${C-unset}"']);
      expect(stdout.toString()).toBe("1|x=y z|\n");
    }, hangLimit);

    test("a login shell by default, none with --raw", async () => {
      const script = "shopt -q login_shell && echo login || echo plain";
      const bash = await Agent.start({ command: [nativeAgent], env: { SHELL: "/bin/bash" } });
      const login = await motectl.call(["--unix", bash.socket, "run", "--", script]);
      const raw = await motectl.call(["--unix", bash.socket, "run", "--raw", "--", 'echo "$0"']);
      await bash.stop();
      expect(login.stdout.toString()).toBe("login\n");
      expect(raw.stdout.toString()).toBe("/bin/sh\n");
    }, hangLimit);
  });

  test("SIGINT ends it, and the command", async () => {
    const child = motectl.start(["--unix", agent.socket, "run", "--", "sleep 60"]);
    await until("the command runs", 10, () => agent.leftovers().length > 0);
    child.kill("SIGINT");
    expect((await ending(child)).signal).toBe("SIGINT");
    await until("the command is gone with its client", 5, () => agent.leftovers().length === 0);
  }, hangLimit);
});
