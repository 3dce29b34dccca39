// The pause helpers: freezing groups, freezing the root file system, collapsing memory; envd-http.md 5.9 and 8.9. Some
// tests are on real control groups, version 2, where this machine has them and lets them be made; the others on a tree of
// plain files that says what it is told.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { FakeGroups, RealGroups, workload } from "./groups.ts";
import { ownRoot } from "./own-root.ts";

setDefaultTimeout(hangLimit);

const fields = [
  "mode", "visited", "allowlisted", "truncated", "preFrozen", "requested",
  "frozen", "notFrozen", "failed", "unobservable", "sweepMs", "waitMs",
];

function post(daemon: Daemon, path: string): Promise<Response> {
  return daemon.fetch(path, { method: "POST" });
}

type Result = Readonly<Record<string, string | number | boolean>>;

async function resultOf(response: Response): Promise<Result> {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  const result: unknown = await response.json();
  if (typeof result !== "object" || result === null) throw new Error("no object");
  return Object.fromEntries(Object.entries(result));
}

async function expectNothing(response: Promise<Response>): Promise<void> {
  const { status, headers } = await response;
  expect([status, headers.get("cache-control")]).toEqual([204, "no-store"]);
}

// --- real groups ---

/** Runs `body` with a daemon whose root is a group of the test's own, and a process in its group for users. */
function withReal(body: (daemon: Daemon, ticks: () => number, isFrozen: (name: string) => boolean) => Promise<void>): Promise<void> {
  return RealGroups.with(async ({ root }) => {
    for (const name of workload) mkdirSync(join(root, name), { recursive: true });
    const isFrozen = (name: string): boolean => readFileSync(join(root, name, "cgroup.events"), "latin1").includes("frozen 1");
    const busy = Bun.spawn(["sh", "-c", "while :; do :; done"]);
    try {
      writeFileSync(join(root, "wrenn/user/cgroup.procs"), `${busy.pid}`);
      await Daemon.with({ args: ["--isnotfc", "--cgroup-root", root] }, (daemon) => body(daemon, () => proc.cpuTicks(busy.pid), isFrozen));
    } finally {
      busy.kill("SIGKILL");
      await busy.exited;
    }
  });
}

if (RealGroups.isThere) test("FRZ-01: /freeze stops what is in the groups of the workload, /unfreeze lets it go on", () =>
  withReal(async (daemon, ticks, isFrozen) => {
    await expectNothing(post(daemon, "/freeze"));
    await until("both are frozen", 10, () => isFrozen("wrenn/user") && isFrozen("wrenn/pty"));
    const stopped = ticks();
    expect((await daemon.fetch("/health")).status).toBe(200);
    await Bun.sleep(300);
    expect(ticks()).toBe(stopped);
    await expectNothing(post(daemon, "/unfreeze"));
    await until("it runs", 10, () => ticks() > stopped);
    expect(isFrozen("wrenn/user")).toBe(false);
  }));

if (RealGroups.isThere) test("FRZ-02: with maxWaitMs it waits until all is frozen, and says what it did", () =>
  withReal(async (daemon, _ticks, isFrozen) => {
    const result = await resultOf(await post(daemon, "/freeze?maxWaitMs=10000"));
    expect(Object.keys(result).sort()).toEqual(fields.toSorted());
    expect(result).toMatchObject({ mode: "legacy", requested: 2, frozen: 2, notFrozen: 0, failed: 0, unobservable: 0, truncated: false });
    expect(isFrozen("wrenn/user")).toBe(true);
    await expectNothing(post(daemon, "/unfreeze"));
  }));

// --- groups of plain files ---

test("FRZ-01: the groups are asked for, whether they obey or not", () =>
  FakeGroups.with(async (groups, daemon) => {
    await expectNothing(post(daemon, "/freeze"));
    await expectNothing(post(daemon, "/freeze?maxWaitMs=0&mode=other"));
    await expectNothing(post(daemon, "/freeze?maxWaitMs=-5"));
    expect([groups.asked("wrenn/pty"), groups.asked("wrenn/user")]).toEqual(["1", "1"]);
    await expectNothing(post(daemon, "/unfreeze"));
    expect([groups.asked("wrenn/pty"), groups.asked("wrenn/user")]).toEqual(["0", "0"]);
  }));

test("FRZ-03: a group that does not freeze is counted at the end of the wait", () =>
  FakeGroups.with(async (groups, daemon) => {
    groups.settle("wrenn/pty", 1);
    const result = await resultOf(await post(daemon, "/freeze?maxWaitMs=20"));
    expect(result).toMatchObject({ requested: 2, frozen: 1, notFrozen: 1, unobservable: 0, failed: 0 });
    expect(result["waitMs"]).toBeGreaterThanOrEqual(20);
    rmSync(join(groups.root, "wrenn/user/cgroup.events"));
    expect(await resultOf(await post(daemon, "/freeze?maxWaitMs=20"))).toMatchObject({ frozen: 1, notFrozen: 0, unobservable: 1 });
  }));

test("the wait ends as soon as the last group is frozen", () =>
  FakeGroups.with(async (groups, daemon) => {
    const response = post(daemon, "/freeze?maxWaitMs=50000");
    await until("both are asked", 10, () => groups.asked("wrenn/user") === "1");
    groups.settle("wrenn/user", 1);
    groups.settle("wrenn/pty", 1);
    expect(await resultOf(await response)).toMatchObject({ frozen: 2, notFrozen: 0 });
  }));

test("one waits at a time: another freeze is 503, a thaw ends the wait, a host that leaves does too", () =>
  FakeGroups.with(async (groups, daemon) => {
    const first = post(daemon, "/freeze?maxWaitMs=50000");
    await until("it is asked", 10, () => groups.asked("wrenn/user") === "1");
    for (const path of ["/freeze", "/freeze?maxWaitMs=1"]) expect((await post(daemon, path)).status).toBe(503);
    await expectNothing(post(daemon, "/unfreeze"));
    expect(await resultOf(await first)).toMatchObject({ requested: 2, notFrozen: 2 });
    expect(groups.asked("wrenn/user")).toBe("0");

    const client = await RawClient.connect(daemon.port);
    await client.send("POST /freeze?maxWaitMs=50000 HTTP/1.1\r\nHost: mote\r\nContent-Length: 0\r\n\r\n");
    await until("it is asked", 10, () => groups.asked("wrenn/user") === "1");
    client.abort();
    await until("its place is free", 10, async () => (await post(daemon, "/freeze")).status === 204);
  }));

test("FRZ-04: without groups nothing is waited for", () =>
  Daemon.with({}, async (daemon) => {
    await expectNothing(post(daemon, "/freeze"));
    const expected = { mode: "legacy", requested: 2, frozen: 0, notFrozen: 0, unobservable: 2 };
    expect(await resultOf(await post(daemon, "/freeze?maxWaitMs=50000&mode=hierarchy"))).toMatchObject(expected);
    await expectNothing(post(daemon, "/unfreeze"));
  }));

test("a root that is no version 2 is left alone", () =>
  Daemon.with({ args: ["--isnotfc", "--cgroup-root", "/srv"] }, async (daemon) => {
    expect(await resultOf(await post(daemon, "/freeze?maxWaitMs=1"))).toMatchObject({ unobservable: 2 });
    expect(existsSync(daemon.inside("/srv/wrenn"))).toBe(false);
  }));

test("FRZ-05: a parameter that is no integer, or comes twice, is 400 in plain text", () =>
  FakeGroups.with(async (groups, daemon) => {
    for (const query of ["maxWaitMs=abc", "maxWaitMs=", "maxWaitMs=1.5", "maxCgroups=x", "maxWaitMs=99999999999999999999", "mode=a&mode=b"]) {
      const response = await post(daemon, `/freeze?${query}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("Invalid format for parameter");
    }
    expect(groups.asked("wrenn/user")).toBe("0");
  }));

test("FRZ-06: a group that cannot be thawed is 500, the others are thawed", () =>
  FakeGroups.with(async (groups, daemon) => {
    await expectNothing(post(daemon, "/freeze"));
    rmSync(join(groups.root, "wrenn/pty/cgroup.freeze"));
    mkdirSync(join(groups.root, "wrenn/pty/cgroup.freeze"));
    const response = await post(daemon, "/unfreeze");
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 500 });
    expect(groups.asked("wrenn/user")).toBe("0");
    expect(await resultOf(await post(daemon, "/freeze?maxWaitMs=1"))).toMatchObject({ requested: 1, failed: 1 });
  }));

test("hierarchy: all but the agent's own groups, those that a guest needs, and what the guest has frozen itself", () =>
  FakeGroups.with(async (groups, daemon) => {
    const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "latin1"))?.[1] ?? "/";
    const sparedNames = ["init.scope", "system.slice/systemd-journald.service", "system.slice/rpcbind.socket", "wrenn/socat"];
    const otherNames = ["user.slice", "system.slice/cron.service", "machine", "wrenn/other"];
    for (const name of [...sparedNames, ...otherNames, "system.slice", "user.slice/below"]) groups.add(name, "0", 1);
    if (own !== "/") groups.add(own.slice(1), "0", 1);
    groups.add("guest", "1", 1);
    const frozen = (): string[] => [...sparedNames, ...otherNames, "system.slice"].filter((name) => groups.asked(name) === "1");

    const result = await resultOf(await post(daemon, "/freeze?mode=hierarchy&maxWaitMs=1"));
    expect(result).toMatchObject({ mode: "hierarchy", allowlisted: 4, preFrozen: 1, requested: 6, failed: 0, truncated: false });
    expect(result["visited"]).toBe(11);
    expect(frozen()).toEqual(otherNames);
    expect(groups.asked("user.slice/below")).toBe("0");
    if (own !== "/") expect(groups.asked(own.slice(1))).toBe("0");
    // Once more: what is frozen now is by the agent, not by the guest.
    expect(await resultOf(await post(daemon, "/freeze?mode=hierarchy&maxWaitMs=1"))).toMatchObject({ preFrozen: 1, requested: 6 });

    groups.add("late/below", "1", 1);
    await expectNothing(post(daemon, "/unfreeze"));
    expect(frozen()).toEqual([]);
    expect([groups.asked("guest"), groups.asked("late/below")]).toEqual(["1", "0"]);
    // Nothing of ours is in effect any more: what the guest freezes now stays.
    groups.add("late/below", "1", 1);
    await expectNothing(post(daemon, "/unfreeze"));
    expect(groups.asked("late/below")).toBe("1");
  }));

test("hierarchy: maxCgroups bounds how many are looked at", () =>
  FakeGroups.with(async (groups, daemon) => {
    for (let i = 0; i < 520; i++) groups.add(`g${i}`, "0", 1);
    const ask = async (max: string): Promise<Result> => resultOf(await post(daemon, `/freeze?mode=hierarchy&maxWaitMs=1${max}`));
    expect(await ask("&maxCgroups=10")).toMatchObject({ truncated: true, visited: 10 });
    expect(await ask("")).toMatchObject({ truncated: true, visited: 512 });
    expect(await ask("&maxCgroups=9000")).toMatchObject({ truncated: false, visited: 522 });
    await expectNothing(post(daemon, "/unfreeze"));
    for (let i = 0; i < 520; i++) expect(groups.asked(`g${i}`)).toBe("0");
  }));

// --- the root file system ---

// The emulator knows neither of the two calls.
const isEmulated = host.name === "aarch64";

if (!isEmulated) test("FRZ-07: /fsfreeze and /fsthaw, each twice: writes to the root wait in between", () =>
  Daemon.with({ setup: ownRoot }, async (daemon) => {
    await expectNothing(post(daemon, "/fsfreeze"));
    await expectNothing(post(daemon, "/fsfreeze"));
    const writer = Bun.spawn(["sh", "-c", `echo x >/proc/${daemon.pid}/root/written`]);
    try {
      await until("the writer waits", 10, () => proc.state(writer.pid) === "D");
      expect((await daemon.fetch("/health")).status).toBe(200);
    } finally {
      await expectNothing(post(daemon, "/fsthaw"));
    }
    expect(await writer.exited).toBe(0);
    await expectNothing(post(daemon, "/fsthaw"));
    await until("the children are gone", 10, () => proc.children(daemon.pid).length === 0);
  }));

if (!isEmulated) test("FRZ-07: a root that cannot be frozen is 500 in JSON", () =>
  Daemon.with({ setup: `${ownRoot.replace(/^truncate.*\n|^mkfs.*\n/gm, "").replace("mount -o loop $DIR/disk", "mount -t tmpfs root")}` }, async (daemon) => {
    const response = await post(daemon, "/fsfreeze");
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 500, message: expect.stringContaining("Operation not supported") });
  }));

test("FRZ-08: /collapse answers six integers that add up", () =>
  Daemon.with({}, async (daemon) => {
    const result = await resultOf(await post(daemon, "/collapse"));
    const names = ["regions", "chunks", "collapsed", "alreadyHuge", "skipped", "elapsedMs"];
    expect(Object.keys(result).sort()).toEqual(names.toSorted());
    for (const name of names) expect(Number.isInteger(result[name])).toBe(true);
    expect(Number(result["collapsed"]) + Number(result["alreadyHuge"]) + Number(result["skipped"])).toBe(Number(result["chunks"]));
  }));
