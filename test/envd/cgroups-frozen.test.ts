// What is frozen stays so until somebody thaws it, whoever of the agent ends meanwhile; lifecycle.md 3. The groups are plain
// files, which say what they are told.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { inside, Namespace } from "../namespace.ts";
import { failure } from "../rpc/cases.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { clientOf, expectRuns, post, terminal } from "./grouped-daemon.ts";
import { FakeGroups } from "./groups.ts";
import { killWorker } from "./workers.ts";

setDefaultTimeout(hangLimit);

test("L141: while a group is frozen nothing is started in it, which is said at once", () =>
  FakeGroups.with(async (groups, daemon) => {
    await post(daemon, "/freeze");
    for (const request of [{}, terminal]) {
      const error = await failure((await clientOf(daemon).sh("true", {}, request)).started());
      expect([error.code, error.message]).toEqual(["failed_precondition", expect.stringContaining("frozen")]);
    }
    await expectRuns(clientOf(daemon), { tag: "_system" });
    await post(daemon, "/unfreeze");
    await expectRuns(clientOf(daemon));
    // By one above it.
    groups.settle("wrenn/user", 1);
    expect((await failure((await clientOf(daemon).sh("true")).started())).code).toBe("failed_precondition");
    await expectRuns(clientOf(daemon), terminal);
  }));

describe("L143: a freeze without a thaw", () => {
  test("ends by itself after the time of --thaw-after", () =>
    FakeGroups.with(async (groups, daemon) => {
      groups.add("guest", "1", 1);
      groups.add("other/guest", "1", 1);
      groups.add("other");
      await post(daemon, "/freeze?mode=hierarchy");
      expect([groups.asked("wrenn/user"), groups.asked("other")]).toEqual(["1", "1"]);
      await until("it is thawed", 20, () => groups.asked("wrenn/user") === "0" && groups.asked("other") === "0");
      expect([groups.asked("guest"), groups.asked("other/guest")]).toEqual(["1", "1"]);
      expect(daemon.stderr).toContain("frozen for too long");
    }, ["--thaw-after", "1"]));

  test("whichever worker it then is", () =>
    FakeGroups.with(async (groups, daemon) => {
      groups.add("guest", "1", 1);
      groups.add("other");
      await post(daemon, "/freeze?mode=hierarchy");
      await killWorker(daemon);
      await until("it is thawed", 20, () => groups.asked("wrenn/user") === "0" && groups.asked("other") === "0");
      expect(groups.asked("guest")).toBe("1");
      await expectForgotten(groups, daemon);
    }, ["--thaw-after", "2"], { isSupervised: true }));
});

/** Expects that nothing of the agent's is in effect: what is frozen now is by the guest. */
async function expectForgotten(groups: FakeGroups, daemon: Daemon): Promise<void> {
  // Behind the turn in which it thawed, and noted that.
  expect((await daemon.fetch("/health")).status).toBe(200);
  groups.add("other", "1", 1);
  await killWorker(daemon);
  expect((await daemon.init({})).status).toBe(204);
  expect(groups.asked("other")).toBe("1");
}

test("L145: the next worker knows what was frozen, and by whom", () =>
  FakeGroups.with(async (groups, daemon) => {
    groups.add("guest", "1", 1);
    groups.add("other");
    for (const [path, body] of [["/init", "{}"], ["/unfreeze", undefined]] as const) {
      await post(daemon, "/freeze?mode=hierarchy");
      await killWorker(daemon);
      expect([groups.asked("wrenn/user"), groups.asked("other")]).toEqual(["1", "1"]);
      expect((await daemon.fetch(path, { method: "POST", body })).status).toBe(204);
      expect([groups.asked("wrenn/user"), groups.asked("other"), groups.asked("guest")]).toEqual(["0", "0", "1"]);
    }
    await expectForgotten(groups, daemon);
  }, [], { isSupervised: true }));

test.each([true, false])("an agent that is stopped thaws what it has frozen; supervised: %p", (isSupervised) =>
  FakeGroups.with(async (groups, daemon) => {
    groups.add("guest", "1", 1);
    groups.add("other");
    await post(daemon, "/freeze?mode=hierarchy");
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
    expect([groups.asked("wrenn/user"), groups.asked("other"), groups.asked("guest")]).toEqual(["0", "0", "1"]);
  }, [], { isSupervised }));

test("L063: PID 1 that stops thaws what its worker has frozen", () =>
  FakeGroups.within(async (groups) => {
    groups.add("guest", "1", 1);
    groups.add("other");
    const setup = `mkdir -p $ROOT/mnt/groups; mount --bind ${groups.root} $ROOT/mnt/groups`;
    const args = ["--listen", `envd+unix:${inside}/envd.sock`, "--isnotfc", "--cgroup-root", "/mnt/groups"];
    await Namespace.with({ args, setup, commandLine: "" }, async (namespace) => {
      const unix = namespace.path("envd.sock");
      expect((await fetch("http://envd/freeze?mode=hierarchy", { method: "POST", unix })).status).toBe(204);
      expect(groups.asked("other")).toBe("1");
      namespace.kill("SIGTERM");
      await namespace.ended();
      expect([groups.asked("wrenn/user"), groups.asked("other"), groups.asked("guest")]).toEqual(["0", "0", "1"]);
    });
  }));
