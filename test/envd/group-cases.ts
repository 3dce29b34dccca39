// Cases of control groups that hold wherever a daemon has the kernel's groups, on this machine and in a guest. They look at
// the groups through the daemon alone, by commands of the host's own (tag `_system`), which are in no group.

import { expect, test } from "bun:test";
import { failure } from "../rpc/cases.ts";
import type { CallOptions } from "../rpc/call.ts";
import { Client, type StartRequest } from "../rpc/client.ts";
import type { Message } from "../rpc/wire.ts";
import { until } from "../until.ts";

/** A daemon with groups: users `root` and `user`, a /run to write in. */
export class Grouped {
  /** What every call has; a token, once one is set. */
  headers: Record<string, string> = {};
  readonly client: Client;

  /** `root`: the group of the daemon's root, as the daemon sees it. */
  constructor(
    readonly port: number,
    readonly root: string,
  ) {
    this.client = new Client(port, "proto");
  }

  async post(path: string, body?: object): Promise<Response> {
    const headers = { ...this.headers, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    return await fetch(`http://127.0.0.1:${this.port}${path}`, { method: "POST", headers, body: body && JSON.stringify(body) });
  }

  /** What a freeze comes to that is waited for. */
  async freeze(query = ""): Promise<Record<string, unknown>> {
    const response = await this.post(`/freeze?maxWaitMs=60000${query}`);
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, unknown>;
  }

  async thaw(): Promise<void> {
    expect((await this.post("/unfreeze")).status).toBe(204);
  }

  /** What a shell prints as a process of a user; it must end with exit code 0. */
  async user(script: string, options: CallOptions = {}, request: Partial<StartRequest> = {}): Promise<string> {
    const call = { ...options, headers: { ...this.headers, ...options.headers } };
    const { stdout, stderr, pty, end } = await this.client.run(script, call, request);
    expect([script, stderr.toString(), end?.status]).toEqual([script, "", "exit status 0"]);
    return `${stdout.toString()}${pty.toString()}`;
  }

  /** What a shell prints as the host's own; $ROOT is the root. */
  system(script: string): Promise<string> {
    return this.user(script, {}, { tag: "_system", envs: { ROOT: this.root } });
  }

  /** Starts what goes on. Returns its pid. */
  async start(script: string, request: Partial<StartRequest> = {}): Promise<number> {
    return await (await this.client.sh(script, { headers: this.headers }, request)).started();
  }

  /** A file of a group. */
  async read(file: string): Promise<string> {
    return (await this.system(`cat "$ROOT/${file}"`)).trim();
  }

  async kill(pid: number): Promise<void> {
    await this.system(`kill -9 ${pid}`);
    await until("it has ended", 30, async () => !(await this.#pids()).includes(pid));
  }

  async #pids(): Promise<number[]> {
    const { processes } = await this.client.unary("List", {}, { headers: this.headers });
    return ((processes ?? []) as Message[]).map(({ pid }) => Number(pid));
  }

  /** The daemon's worker dies; returns when there is another. */
  async killWorker(): Promise<void> {
    const before = await this.system("echo $PPID");
    await this.client.sh("kill -9 $PPID", { headers: this.headers }, { tag: "_system" }).catch(() => undefined);
    await until("there is another worker", 60, async () => ![before, ""].includes(await this.system("echo $PPID").catch(() => "")));
  }
}

const ownGroup = "sed -n 's/^0:://p' /proc/self/cgroup";
const ticking = "i=0; while :; do i=$((i+1)); echo $i >/run/ticks.new; mv /run/ticks.new /run/ticks; sleep 0.01; done";
const ticks = "cat /run/ticks";

export function groupCases(at: () => Grouped): void {
  test("L130: a process is in the group for users, one on a terminal in that for terminals, the host's own in neither", async () => {
    expect((await at().user(ownGroup)).trim()).toEndWith("/wrenn/user");
    expect((await at().user(ownGroup, {}, { pty: { size: { cols: 80, rows: 24 } } })).trim()).toEndWith("/wrenn/pty");
    expect(await at().system(ownGroup)).not.toContain("wrenn");
  });

  test("L135: a user without rights is placed, and so is what he starts", async () => {
    const script = `id -u; ${ownGroup}; sh -c "${ownGroup}"; (${ownGroup})`;
    const [uid, ...groups] = (await at().user(script, { user: "user" })).trim().split("\n");
    expect(uid).toBe("1000");
    expect(groups.length).toBe(3);
    for (const group of groups) expect(group).toEndWith("/wrenn/user");
  });

  test("L136: a child has no descriptor of a group, nor any other", async () => {
    for (const request of [{}, { pty: { size: { cols: 80, rows: 24 } } }, { tag: "_system" }]) {
      const links = (await at().user("for fd in /proc/$$/fd/*; do readlink $fd || :; done", {}, request)).trim().split("\n");
      expect(links.length).toBe(3);
      for (const link of links) expect(link).not.toContain("cgroup");
    }
  });

  test("L137: what is frozen stops counting, the agent answers, what is thawed goes on", async () => {
    const pid = await at().start(ticking);
    await until("it counts", 30, async () => (await at().system(`${ticks} 2>/dev/null || echo 0`)).trim() !== "0");
    expect(await at().freeze()).toMatchObject({ requested: 2, frozen: 2, failed: 0, notFrozen: 0 });
    expect(await at().read("wrenn/user/cgroup.events")).toContain("frozen 1");
    const stopped = await at().system(ticks);
    expect(await at().system(`sleep 1; ${ticks}`)).toBe(stopped);
    expect((await fetch(`http://127.0.0.1:${at().port}/health`)).ok).toBe(true);
    await at().thaw();
    await until("it goes on", 30, async () => (await at().system(ticks)) !== stopped);
    await at().kill(pid);
  });

  test("L138: an authorized /init thaws, however old, and is not applied", async () => {
    expect((await at().post("/init", { timestamp: "2026-01-02T03:04:05Z", envVars: { K: "new" } })).status).toBe(204);
    await at().freeze();
    expect((await at().post("/init", { timestamp: "2026-01-02T03:04:04Z", envVars: { K: "old" } })).status).toBe(204);
    expect(await at().read("wrenn/user/cgroup.freeze")).toBe("0");
    expect(await at().user("echo $K")).toBe("new\n");
  });

  test("L140: what the guest has frozen itself stays frozen, at any depth", async () => {
    await at().system("mkdir -p $ROOT/guest $ROOT/other/guest; echo 1 >$ROOT/guest/cgroup.freeze; echo 1 >$ROOT/other/guest/cgroup.freeze");
    expect(await at().freeze("&mode=hierarchy")).toMatchObject({ mode: "hierarchy", preFrozen: 1, failed: 0, notFrozen: 0 });
    expect(await at().read("other/cgroup.freeze")).toBe("1");
    await at().thaw();
    const asked = "cat $ROOT/guest/cgroup.freeze $ROOT/other/guest/cgroup.freeze $ROOT/other/cgroup.freeze $ROOT/wrenn/user/cgroup.freeze";
    expect((await at().system(asked)).trim().split("\n")).toEqual(["1", "1", "0", "0"]);
    await at().system("rmdir $ROOT/guest $ROOT/other/guest $ROOT/other");
  });

  test("L141: while it is frozen nothing is started, which is said at once", async () => {
    await at().freeze();
    for (const request of [{}, { pty: { size: { cols: 80, rows: 24 } } }]) {
      const error = await failure(at().start("true", request));
      expect([error.code, error.message]).toEqual(["failed_precondition", expect.stringContaining("frozen")]);
    }
    expect(await at().system("echo on")).toBe("on\n");
    await at().thaw();
    expect(await at().user("echo on")).toBe("on\n");
  });

  test("L142: groups that come and go during a sweep are no error", async () => {
    const script = "while [ ! -e /run/enough ]; do for i in 1 2 3; do mkdir $ROOT/v$i; done; rmdir $ROOT/v1 $ROOT/v2 $ROOT/v3; done; rm /run/enough";
    const stream = await at().client.sh(script, { headers: at().headers }, { tag: "_system", envs: { ROOT: at().root } });
    await stream.started();
    for (let i = 0; i < 20; i++) {
      expect(await at().freeze("&mode=hierarchy")).toMatchObject({ failed: 0, notFrozen: 0 });
      await at().thaw();
    }
    await at().system("touch /run/enough");
    expect((await stream.outcome()).end?.status).toBe("exit status 0");
  });

  test("a group that is gone is made again", async () => {
    await at().system("rmdir $ROOT/wrenn/user $ROOT/wrenn/pty $ROOT/wrenn");
    expect((await at().user(ownGroup)).trim()).toEndWith("/wrenn/user");
    expect(await at().read("wrenn/pty/cgroup.freeze")).toBe("0");
  });

  test("L145: the next worker knows what was frozen, by whom, and thaws it at /init", async () => {
    await at().system("mkdir -p $ROOT/guest $ROOT/other; echo 1 >$ROOT/guest/cgroup.freeze");
    const pid = await at().start("exec sleep 1000");
    await at().freeze("&mode=hierarchy");
    await at().killWorker();
    expect(await at().read("wrenn/user/cgroup.events")).toContain("frozen 1");
    expect(await at().read("other/cgroup.freeze")).toBe("1");
    expect((await at().post("/init", {})).status).toBe(204);
    const asked = "cat $ROOT/guest/cgroup.freeze $ROOT/other/cgroup.freeze $ROOT/wrenn/user/cgroup.freeze";
    expect((await at().system(asked)).trim().split("\n")).toEqual(["1", "0", "0"]);
    await at().kill(pid);
    await at().system("rmdir $ROOT/guest $ROOT/other");
  });

  test("L139: an /init that is refused leaves it frozen", async () => {
    expect((await at().post("/init", { accessToken: "secret" })).status).toBe(204);
    at().headers = { "X-Access-Token": "secret" };
    await at().freeze();
    for (const refused of [{}, { accessToken: "other" }]) {
      expect((await at().post("/init", refused)).status).toBe(401);
      expect(await at().read("wrenn/user/cgroup.freeze")).toBe("1");
    }
    expect((await at().post("/init", { accessToken: "secret" })).status).toBe(204);
    expect(await at().read("wrenn/user/cgroup.freeze")).toBe("0");
  });
}
