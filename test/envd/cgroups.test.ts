// Control groups of what is run, version 2: made, entered, frozen, thawed; lifecycle.md 3. Some tests are on groups of plain
// files, which say what they are told; the others on the kernel's, where this machine lets them be made. In a guest, all
// of it: ../guest/cgroups.test.ts.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { inside, Namespace } from "../namespace.ts";
import { failure } from "../rpc/cases.ts";
import { Client } from "../rpc/client.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { Grouped, groupCases } from "./group-cases.ts";
import { clientOf, expectRuns, post, terminal } from "./grouped-daemon.ts";
import { FakeGroups, RealGroups, workload } from "./groups.ts";

setDefaultTimeout(hangLimit);

// --- where there are none ---

describe("L133: without groups of version 2 nothing is made, and processes run", () => {
  test.each(["/srv", "/nowhere", "/proc"])("%s", (root) =>
    Daemon.with({ args: ["--isnotfc", "--cgroup-root", root] }, async (daemon) => {
      for (const request of [{}, terminal]) await expectRuns(clientOf(daemon), request);
      await post(daemon, "/freeze");
      await post(daemon, "/unfreeze");
      expect(existsSync(daemon.inside(`${root}/wrenn`))).toBe(false);
      expect(daemon.stderr).not.toContain("group");
    }));
});

describe("L144: what is told to leave them alone makes none", () => {
  const bind = (root: string): string => `mount --bind ${root} /sys/fs/cgroup`;

  test("--isnotfc without --cgroup-root", () =>
    FakeGroups.within((groups) =>
      Daemon.with({ args: ["--isnotfc"], setup: `mkdir -p /sys/fs/cgroup; ${bind(groups.root)}` }, async (daemon) => {
        await expectRuns(clientOf(daemon));
        await post(daemon, "/freeze");
        expect(groups.asked("wrenn/user")).toBe("0");
        expect(existsSync(join(groups.root, "wrenn/user/cgroup.procs"))).toBe(false);
      })));

  test("--no-cgroups", () =>
    FakeGroups.with(async (groups, daemon) => {
      await expectRuns(clientOf(daemon));
      await post(daemon, "/freeze");
      expect(groups.asked("wrenn/user")).toBe("0");
    }, ["--no-cgroups"]));

  test("mote.cgroups=off on the kernel's command line", () =>
    FakeGroups.within(async (groups) => {
      const setup = `mkdir -p $ROOT/mnt/groups; mount --bind ${groups.root} $ROOT/mnt/groups`;
      const args = ["--listen", `envd+unix:${inside}/envd.sock`, "--cgroup-root", "/mnt/groups"];
      await Namespace.with({ args, setup, commandLine: "mote.cgroups=off" }, async (namespace) => {
        await expectRuns(new Client(namespace.path("envd.sock"), "proto"));
        const response = await fetch("http://envd/freeze", { method: "POST", unix: namespace.path("envd.sock") });
        expect([response.status, groups.asked("wrenn/user")]).toEqual([204, "0"]);
      });
    }));
});

// --- groups of plain files ---

test("L134: version 2 beside version 1, in `unified`: freezing works, without properties and without complaint", () =>
  FakeGroups.within((groups) =>
    Daemon.with({ args: ["--isnotfc", "--cgroup-root", "/srv"], setup: `mkdir /srv/unified; mount --bind ${groups.root} /srv/unified` }, async (daemon) => {
      for (const name of workload) groups.write(name, "cgroup.procs", "");
      for (const request of [{}, terminal]) await expectRuns(clientOf(daemon), request);
      await post(daemon, "/freeze");
      expect(workload.map((name) => groups.asked(name))).toEqual(["1", "1"]);
      expect(existsSync(daemon.inside("/srv/wrenn"))).toBe(false);
      expect(daemon.stderr).not.toContain("group");
    })));

test("L130: a child that cannot be made in its group enters it; the host's own does not", () =>
  FakeGroups.with(async (groups, daemon) => {
    const entered = (): string[] => workload.map((name) => groups.read(name, "cgroup.procs"));
    for (const name of workload) groups.write(name, "cgroup.procs", "");
    await expectRuns(clientOf(daemon), { tag: "_system" });
    await expectRuns(clientOf(daemon), { tag: "_system", ...terminal });
    expect(entered()).toEqual(["", ""]);
    await expectRuns(clientOf(daemon), { tag: "other" });
    expect(entered()).toEqual(["", "0"]);
    await expectRuns(clientOf(daemon), terminal);
    expect(entered()).toEqual(["0", "0"]);
    expect(daemon.stderr).not.toContain("group");
  }));

test("the command of --cmd is in the group for users", () =>
  FakeGroups.within(async (groups) => {
    groups.write("wrenn/user", "cgroup.procs", "");
    await Daemon.with({ args: ["--isnotfc", "--cgroup-root", groups.root, "--cmd", "sleep 1000"] }, async () => {
      await until("it is there", 10, () => groups.read("wrenn/user", "cgroup.procs") === "0");
    });
  }));

test("a process that cannot be placed runs all the same, and the log tells of it once a group", () =>
  FakeGroups.with(async (_groups, daemon) => {
    for (let i = 0; i < 3; i++) for (const request of [{}, terminal]) await expectRuns(clientOf(daemon), request);
    const lines = daemon.stderr.split("\n").filter((line) => line.includes("outside of their control group"));
    expect(lines.map((line) => line.includes("wrenn/pty")).sort()).toEqual([false, true]);
    // One that does not even run is told of as ever.
    const error = await failure((await clientOf(daemon).start({ cmd: "true", cwd: "/nowhere" })).started());
    expect(error.code).toBe("invalid_argument");
  }));

test("groups that cannot be made are told of once", () =>
  FakeGroups.within(async (groups) => {
    groups.write("below", "cgroup.controllers", "");
    groups.write("below", "wrenn", "in the way");
    await Daemon.with({ args: ["--isnotfc", "--cgroup-root", join(groups.root, "below")] }, async (daemon) => {
      for (let i = 0; i < 3; i++) await expectRuns(clientOf(daemon));
      expect(daemon.stderr.split("outside of their control group").length).toBe(2);
    });
  }));

const files = ["cpu.weight", "io.weight", "memory.high", "memory.max"];

/** What is written to the files of both groups. */
async function settingsOf(args: readonly string[]): Promise<{ settings: Record<string, string>; stderr: string }> {
  const settings: Record<string, string> = {};
  let stderr = "";
  await FakeGroups.within(async (groups) => {
    for (const name of workload) for (const file of files) groups.write(name, file, "");
    await Daemon.with({ args: ["--isnotfc", "--cgroup-root", groups.root, ...args], isSupervised: true }, async (daemon) => {
      await post(daemon, "/freeze");
      for (const name of workload) for (const file of files) settings[`${name}/${file}`] = groups.read(name, file);
      stderr = daemon.stderr;
    });
  });
  return { settings, stderr };
}

function usualLimit(): string {
  const total = Number(/^MemTotal: +(\d+) kB/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1]) * 1024;
  return String(Math.floor(total - Math.min(total / 8, 128 * 1024 * 1024)));
}

describe("L131: weights and limits", () => {
  test("the usual ones", async () => {
    const limit = usualLimit();
    expect((await settingsOf([])).settings).toEqual({
      "wrenn/pty/cpu.weight": "200", "wrenn/pty/io.weight": "default 50", "wrenn/pty/memory.high": limit, "wrenn/pty/memory.max": limit,
      "wrenn/user/cpu.weight": "50", "wrenn/user/io.weight": "default 10", "wrenn/user/memory.high": limit, "wrenn/user/memory.max": limit,
    });
  });

  test("others by option, each after the usual", async () => {
    const args = ["--cgroup-set", "user/cpu.weight=77", "--cgroup-set=pty/memory.max=99999999999999", "--cgroup-set", "user/nothing.here=max"];
    const { settings, stderr } = await settingsOf(args);
    expect([settings["wrenn/user/cpu.weight"], settings["wrenn/pty/memory.max"]]).toEqual(["77", "99999999999999"]);
    expect(stderr).toContain("wrenn/user/nothing.here");
    expect(stderr).not.toContain("cpu.weight");
  });

  test.each(["user", "user/cpu.weight", "other/cpu.weight=1", "user/../cpu.weight=1", "=1", ""])("%p is none", async (setting) => {
    const child = Bun.spawn({ cmd: [...host.command, "--listen", "unix:/nowhere/x", "--cgroup-set", setting], stdio: ["ignore", "ignore", "pipe"] });
    expect(await child.exited).toBe(2);
    expect(await new Response(child.stderr).text()).toContain("--cgroup-set");
  });
});

// --- the kernel's groups ---

if (RealGroups.isThere) describe("on the kernel's groups", () => {
  let groups: RealGroups | undefined;
  let daemon: Daemon | undefined;
  let grouped: Grouped | undefined;
  beforeAll(async () => {
    groups = new RealGroups();
    daemon = await Daemon.start({ args: ["--isnotfc", "--cgroup-root", groups.root], isSupervised: true });
    grouped = new Grouped(daemon.port, groups.root);
  });
  afterAll(async () => {
    await daemon?.dispose();
    await groups?.dispose();
  });
  groupCases(() => {
    if (grouped === undefined) throw new Error("the daemon has not been started");
    return grouped;
  });

  test("L134: version 2 beside version 1, in `unified`: freezing works, without complaint", () =>
    RealGroups.with(({ root }) =>
      Daemon.with({ args: ["--isnotfc", "--cgroup-root", "/srv"], setup: `mkdir /srv/unified; mount --bind ${root} /srv/unified` }, async (hybrid) => {
        await expectRuns(clientOf(hybrid));
        const response = await hybrid.fetch("/freeze?maxWaitMs=60000", { method: "POST" });
        expect(await response.json()).toMatchObject({ requested: 2, frozen: 2 });
        await post(hybrid, "/unfreeze");
        expect(hybrid.stderr).not.toContain("group");
      })));

  test("L063: PID 1 that stops thaws a process, whose trap for SIGTERM runs", () =>
    RealGroups.with(async ({ root }) => {
      const setup = `mkdir -p $ROOT/mnt/groups; mount --bind ${root} $ROOT/mnt/groups`;
      const args = ["--listen", `envd+unix:${inside}/envd.sock`, "--isnotfc", "--cgroup-root", "/mnt/groups"];
      await Namespace.with({ args, setup, commandLine: "mote.grace_ms=20000" }, async (namespace) => {
        const unix = namespace.path("envd.sock");
        const script = `trap 'echo trapped >${inside}/file; exit' TERM; echo; while :; do sleep 0.1; done`;
        await (await new Client(unix, "proto").sh(script)).until("\n");
        const response = await fetch("http://envd/freeze?maxWaitMs=60000", { method: "POST", unix });
        expect(await response.json()).toMatchObject({ frozen: 2 });
        namespace.kill("SIGTERM");
        await namespace.ended();
        expect(readFileSync(namespace.path("file"), "utf8")).toBe("trapped\n");
      });
    }));
});
