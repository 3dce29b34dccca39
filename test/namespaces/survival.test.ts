// What a guest's users can do to it: PID 1 and its worker go on, and answer.

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { host } from "../host.ts";
import { inside, Namespace } from "../namespace.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";

setDefaultTimeout(hangLimit);

/** A control group of this machine's, of one controller; version 1. */
class Group {
  readonly path: string;

  constructor(controller: string) {
    this.path = join("/sys/fs/cgroup", controller, `mote-test-${process.pid}`);
    mkdirSync(this.path);
  }

  static has(controller: string): boolean {
    return existsSync(join("/sys/fs/cgroup", controller, "cgroup.procs"));
  }

  set(name: string, value: string): void {
    writeFileSync(join(this.path, name), value);
  }

  get(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  /** Takes in everything that the namespace has now, and what it will start. */
  take(namespace: Namespace): void {
    for (const pid of namespace.processes()) this.set("cgroup.procs", String(pid));
  }

  async remove(): Promise<void> {
    await until("the group is empty", 10, () => this.get("cgroup.procs") === "");
    rmdirSync(this.path);
  }
}

const groups: Group[] = [];

function group(controller: string): Group {
  const made = new Group(controller);
  groups.push(made);
  return made;
}

afterEach(async () => {
  for (const made of groups.splice(0)) await made.remove();
});

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Each process starts two. */
const bomb = "bomb() { bomb | bomb & }; bomb; wait";

test("a fork bomb of a user: ping is answered meanwhile, and nothing is left of it at its time-out", () =>
  Namespace.with({}, async (namespace) => {
    const worker = await namespace.worker();
    const start = "prlimit --nproc=200 setpriv --reuid=65534 --regid=65534 --clear-groups";
    const running = namespace.client.run(`exec ${start} bash -c '${bomb}' 2>/dev/null`, { timeout: 4 });
    await until("it has all that it may have", 10, () => namespace.processes().length >= 190);
    for (let round = 0; round < 20; round++) await namespace.client.ping();
    expect((await running).object.op).toBe("timeout");
    await until("nothing is left of it", 5, () => namespace.isIdle);
    expect(await namespace.worker()).toBe(worker);
  }));

if (Group.has("pids")) test("a fork bomb of root that leaves no pid to PID 1 and its worker either", async () => {
  const pids = group("pids");
  await Namespace.with({}, async (namespace) => {
    const pid = namespace.pid;
    const worker = await namespace.worker();
    pids.set("pids.max", String(namespace.processes().reduce((sum, each) => sum + Number(proc.statusLine(each, "Threads")), 0) + 150));
    pids.take(namespace);
    // In a session of its own: it does not end with its command.
    await namespace.client.run(`setsid bash -c '${bomb}' >/dev/null 2>&1 &`);
    await until("forks fail", 20, () => pids.get("pids.events") !== "max 0\n");
    for (let round = 0; round < 20; round++) await namespace.client.ping();
    // Now none at all.
    pids.set("pids.max", "1");
    expect((await namespace.client.run("true")).object.ok).toBe(false);
    process.kill(worker, "SIGKILL");
    await until("PID 1 cannot start another worker", 5, () => namespace.stderr.includes("cannot start a worker"));
    const waiting = namespace.client.ping();
    for (const each of namespace.processes()) if (each !== pid) end(each);
    await until("the bomb is gone and reaped", 5, () => namespace.processes().length === 1);
    pids.set("pids.max", "100");
    await waiting;
    expect(namespace.pid).toBe(pid);
    await until("all is as before", 5, () => namespace.isIdle);
  });
});

test("10,000 orphans: ping is answered meanwhile, and every one is reaped", () =>
  Namespace.with({}, async (namespace) => {
    const pid = namespace.pid;
    const worker = await namespace.worker();
    const before = proc.memory(pid).anonymous;
    let isOver = false;
    const storms = Promise.all(Array.from({ length: 4 }, () =>
      namespace.client.run("i=0; while [ $i -lt 2500 ]; do (exit 3 &); i=$((i + 1)); done; echo $i"))).finally(() => (isOver = true));
    while (!isOver) await namespace.client.ping();
    expect((await storms).map(({ stdout }) => stdout.toString())).toEqual(Array.from({ length: 4 }, () => "2500\n"));
    await until("every orphan is reaped", 2, () => namespace.isIdle);
    expect([namespace.pid, await namespace.worker()]).toEqual([pid, worker]);
    if (host.name === "x86_64") expect(proc.memory(pid).anonymous - before).toBeLessThanOrEqual(16 * 1024);
  }));

test("full disks: uploads are refused, the log is lost, and all else goes on", async () => {
  const full = ["/srv", "/var/log", "/run"].map((path) => `mount -t tmpfs -o size=64k full $ROOT${path}; head -c 64k /dev/zero >$ROOT${path}/full`);
  const args = ["--listen", `unix:${inside}/agent.sock`, "--log-to", "/var/log/mote.log"];
  // Nothing is said where the harness listens.
  await Namespace.with({ setup: full.join("; "), args, listeners: 0 }, async (namespace) => {
    await until("PID 1 is ready", 20, () => namespace.client.ping().then(() => true, () => false));
    expect(namespace.read("/var/log/mote.log")).toBe("");
    const worker = await namespace.worker();
    for (const path of ["/srv/upload", "/run/upload"]) {
      expect((await namespace.client.put(path, Buffer.alloc(100_000))).object).toMatchObject({ ok: false });
    }
    expect((await namespace.client.run("ls -A /srv")).stdout.toString()).toBe("full\n");
    process.kill(worker, "SIGKILL");
    await until("it is dead", 5, () => !proc.isAlive(worker));
    expect(await namespace.worker()).not.toBe(worker);
  });
});

if (Group.has("memory")) test("a command that takes all memory is what the kernel kills", async () => {
  const memory = group("memory");
  await Namespace.with({}, async (namespace) => {
    const pid = namespace.pid;
    const worker = await namespace.worker();
    memory.set("memory.limit_in_bytes", host.name === "bun" ? "600M" : "100M");
    memory.take(namespace);
    for (let round = 0; round < 3; round++) {
      const { object } = await namespace.client.run("exec tail /dev/zero");
      expect(object.exit_code).toBe(-9);
      await namespace.client.ping();
    }
    expect([namespace.pid, await namespace.worker()]).toEqual([pid, worker]);
  });
});
