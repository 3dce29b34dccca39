// The state a command finds itself in: session, descriptors, signals, directory, shell.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, closeSync, openSync, realpathSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { frame, frameType } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start({ env: { SHELL: undefined } });
});
afterAll(() => agent.stop());

const openDescriptors = "ls /proc/self/fd"; // 0, 1, 2 and the directory that ls itself reads
const signalState = "exec grep -E '^Sig(Blk|Ign)' /proc/self/status";
const nothingSet = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";

describe("descriptors", () => {
  test("are 0, 1 and 2 alone, while much else is open in the agent", async () => {
    const idle = await Promise.all(Array.from({ length: 10 }, () => agent.client.connect()));
    const sleeper = await agent.client.open({ op: "run", shell: "raw", cmd: "echo; sleep 60" });
    await sleeper.frame();
    const upload = await agent.client.open({ op: "put_file", path: "open", size: 10 });
    await upload.send(frame(frameType.data, "12345"));
    await Bun.write(agent.path("large"), new Uint8Array(10_000_000));
    const download = await agent.client.open({ op: "get_file", path: "large" });
    await download.frame();
    const results = await Promise.all(Array.from({ length: 10 }, () => agent.client.run(openDescriptors)));
    for (const result of results) expect(result.stdout.toString()).toBe("0\n1\n2\n3\n");
    for (const peer of [...idle, sleeper, upload, download]) peer.close();
  });

  test("do not include one the agent inherited", async () => {
    const extra = openSync("/dev/null", "r");
    await Agent.with({ inherit: [extra, extra] }, async (other) => {
      expect((await other.client.run(openDescriptors)).stdout.toString()).toBe("0\n1\n2\n3\n");
    });
    closeSync(extra);
  });

  test("are /dev/null and two pipes of their own", async () => {
    const result = await agent.client.run("readlink /proc/self/fd/0; stat -L -c %F /proc/self/fd/1 /proc/self/fd/2; [ /dev/fd/1 -ef /dev/fd/2 ] || echo two");
    expect(result.stdout.toString()).toBe("/dev/null\nfifo\nfifo\ntwo\n");
  });

  test("block, as a command expects of its pipes", async () => {
    const result = await agent.client.run("grep flags /proc/self/fdinfo/1 /proc/self/fdinfo/2");
    const flags = [...result.stdout.toString().matchAll(/flags:\s+(\d+)/g)].map((match) => Number.parseInt(match[1] ?? "", 8));
    expect(flags).toHaveLength(2);
    for (const flag of flags) expect(flag & 0o4000).toBe(0);
  });
});

describe("signals", () => {
  test("are at their default and unblocked", async () => {
    expect((await agent.client.run(signalState)).stdout.toString()).toBe(nothingSet);
  });

  test("are so even where the agent was started with others", async () => {
    const launcher = ["env", "--ignore-signal=HUP,INT,QUIT,PIPE,USR1,CHLD", "--block-signal=HUP,USR1,USR2,WINCH"];
    await Agent.with({ launcher }, async (other) => {
      expect((await other.client.run(signalState)).stdout.toString()).toBe(nothingSet);
      expect((await other.client.run("exit 5")).object.exit_code).toBe(5);
      expect((await other.client.run("kill -HUP $$")).object.exit_code).toBe(-1);
    });
  });
});

describe("process", () => {
  test("leads a session and a process group of its own, without a terminal", async () => {
    const result = await agent.client.run('read -r line </proc/self/stat; echo "$$ $line"');
    const [pid, own, , , , group, session, terminal] = result.stdout.toString().split(" ");
    expect([own, group, session]).toEqual([pid, pid, pid]);
    expect(terminal).toBe("0");
  });

  test("ps sees the session", async () => {
    const result = await agent.client.run("echo $$; ps -o sid= -p $$");
    const [pid, session] = result.stdout.toString().split("\n");
    expect(session?.trim()).toBe(pid ?? "");
  });

  test("is in the agent's working directory", async () => {
    const result = await agent.client.run("pwd -P");
    expect(result.stdout.toString()).toBe(`${realpathSync(agent.directory)}\n`);
  });
});

describe("shell", () => {
  const profileRead = "echo ${MOTE_PROFILE:-unread}";
  // /etc/profile is the machine's; a login shell also reads $HOME/.profile, which is the test's.
  const homeWithProfile = (): { HOME: string } => ({ HOME: agent.directory });

  beforeAll(async () => {
    await Bun.write(agent.path(".profile"), "export MOTE_PROFILE=read\n");
  });

  test("raw is /bin/sh -c and reads no profile", async () => {
    const result = await agent.client.run(`${profileRead}; echo $0`, { env: homeWithProfile() });
    expect(result.stdout.toString()).toMatch(/^unread\n\/bin\/sh/);
  });

  test.each(["login", "bash", "RAW", ""])("%j is a login shell and reads the profile", async (shell) => {
    const result = await agent.client.run(`${profileRead}; echo $0`, { shell, env: homeWithProfile() });
    expect(result.stdout.toString()).toBe("read\n/bin/sh\n");
  });

  test("login reads /etc/profile too", async () => {
    // Debian's /etc/profile sets PATH anew; a raw shell keeps what it was given.
    const env = { PATH: "/before:/usr/bin:/bin" };
    expect((await agent.client.run("echo $PATH", { shell: "login", env })).stdout.toString()).not.toContain("/before");
    expect((await agent.client.run("echo $PATH", { env })).stdout.toString()).toBe("/before:/usr/bin:/bin\n");
  });

  test("login is the default, also for null", async () => {
    const env = homeWithProfile();
    for (const text of [{ op: "run", cmd: profileRead, env }, { op: "run", cmd: profileRead, env, shell: null }]) {
      const peer = await agent.client.open(text);
      expect((await peer.frame())?.payload.toString()).toBe("read\n");
      peer.close();
    }
  });

  test("is the agent's SHELL, not the request's", async () => {
    await Agent.with({ env: { SHELL: "/bin/bash" } }, async (other) => {
      const result = await other.client.run("echo $0 $BASH $SHELL", { shell: "login", env: { SHELL: "/nonexistent" } });
      expect(result.stdout.toString()).toBe("/bin/bash /bin/bash /nonexistent\n");
      expect((await other.client.run("echo $0")).stdout.toString()).toBe("/bin/sh\n");
    });
  });

  test("is /bin/sh where SHELL is empty", async () => {
    await Agent.with({ env: { SHELL: "" } }, async (other) => {
      expect((await other.client.run("echo $0", { shell: "login" })).stdout.toString()).toBe("/bin/sh\n");
    });
  });

  test("gets exactly -lc and the command", async () => {
    await Bun.write(agent.path("arguments"), "#!/bin/sh\nprintf '[%s]' \"$@\"\n");
    chmodSync(agent.path("arguments"), 0o755);
    await Agent.with({ env: { SHELL: agent.path("arguments") } }, async (other) => {
      const result = await other.client.run("a  b", { shell: "login" });
      expect(result.stdout.toString()).toBe("[-lc][a  b]");
    });
  });

  const broken: [string, string, RegExp][] = [
    ["points nowhere", "/nonexistent/sh", /^spawn failed: \[Errno 2\] No such file or directory: '\/nonexistent\/sh'$/],
    ["is no executable", "/etc/passwd", /^spawn failed: \[Errno 13\] Permission denied: '\/etc\/passwd'$/],
    ["is a directory", "/etc", /^spawn failed: \[Errno 13\] Permission denied: '\/etc'$/],
    ["goes through a file", "/etc/passwd/sh", /^spawn failed: \[Errno 20\] Not a directory: '\/etc\/passwd\/sh'$/],
  ];
  test.each(broken)("that %s: spawn failed, and the agent goes on", async (_, shell, error) => {
    await Agent.with({ env: { SHELL: shell } }, async (other) => {
      for (let round = 0; round < 20; round++) {
        const { object } = await other.client.run("true", { shell: "login" });
        expect(object).toEqual({ ok: false, op: "error", error: expect.stringMatching(error) });
      }
      expect((await other.client.run("exit 3")).object.exit_code).toBe(3);
    });
  });
});

test("nothing is left behind", () => agent.settled());

describe("priority", () => {
  test("is the usual one, whatever the agent's own is", async () => {
    const launcher = ["nice", "-n", "5", "ionice", "-c", "1", "-n", "4"];
    await Agent.with({ launcher }, async (favoured) => {
      const { stdout } = await favoured.client.run("nice; ionice; cat /proc/self/oom_score_adj");
      expect(stdout.toString()).toBe("0\nbest-effort: prio 4\n100\n");
    });
  });
});
