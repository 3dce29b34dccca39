// GET /metrics and /envs; envd-http.md 5.2, 5.3 and 8.4.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statfsSync } from "node:fs";
import { cpus } from "node:os";
import { hangLimit } from "../agent.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

const integers = ["ts", "cpu_count", "mem_total", "mem_used", "mem_cache", "mem_total_mib", "mem_used_mib", "disk_total", "disk_used"];

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

async function metrics(of: Daemon): Promise<Record<string, number>> {
  const response = await of.fetch("/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return (await response.json()) as Record<string, number>;
}

function meminfo(name: string): number {
  const match = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(match?.[1]) * 1024;
}

/** What the processors have done so far: all of it, and but for idling and waiting. */
function times(): { readonly busy: number; readonly total: number } {
  const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/ +/).slice(1, 9).map(Number) ?? [];
  const total = fields.reduce((sum, field) => sum + field, 0);
  return { busy: total - (fields[3] ?? 0) - (fields[4] ?? 0), total };
}

test("MET-01: all of them, at once after the start", async () => {
  const values = await metrics(daemon);
  expect(Object.keys(values).sort()).toEqual([...integers, "cpu_used_pct"].sort());
  for (const name of integers) expect([name, Number.isSafeInteger(values[name])]).toEqual([name, true]);
  expect(values.cpu_count).toBe(cpus().length);
  expect(typeof values.cpu_used_pct).toBe("number");
});

test("MET-02: memory", async () => {
  const values = await metrics(daemon);
  const total = meminfo("MemTotal");
  expect(values.mem_total).toBe(total);
  const used = total - meminfo("MemAvailable");
  expect(Math.abs((values.mem_used ?? 0) - used)).toBeLessThan(0.05 * total);
  const cache = meminfo("Cached") + meminfo("SReclaimable");
  expect(Math.abs((values.mem_cache ?? 0) - cache)).toBeLessThan(0.05 * total);
  expect(values.mem_total_mib).toBe(Math.floor(total / 1048576));
  expect(values.mem_used_mib).toBe(Math.floor((values.mem_used ?? 0) / 1048576));
});

test("MET-03: the disk", async () => {
  // Somebody else may write meanwhile.
  await until("both see the same", 20, async () => {
    const values = await metrics(daemon);
    const disk = statfsSync("/");
    expect(values.disk_total).toBe(disk.blocks * disk.bsize);
    return values.disk_used === (disk.blocks - disk.bavail) * disk.bsize;
  });
});

test("MET-04: a busy processor, also for many readers, who do not disturb each other", async () => {
  // Over the second before, and so not of the start.
  await until("the first interval has passed", 10, async () => (await metrics(daemon)).cpu_used_pct !== 0);
  const before = times();
  const busy = Bun.spawn(["sh", "-c", "while :; do :; done"]);
  await Bun.sleep(3000);
  const after = times();
  const first = await metrics(daemon);
  const others = await Promise.all(Array.from({ length: 20 }, () => metrics(daemon)));
  busy.kill("SIGKILL");
  await busy.exited;
  const percent = first.cpu_used_pct ?? 0;
  expect(percent).toBeGreaterThanOrEqual(80 / cpus().length);
  expect(percent).toBeLessThanOrEqual(100);
  expect(Math.round(percent * 100) / 100).toBe(percent);
  // Of nearly the same time.
  expect(Math.abs(percent - (100 * (after.busy - before.busy)) / (after.total - before.total))).toBeLessThan(15);
  for (const other of others) expect(other.cpu_used_pct).toBe(percent);
});

test("MET-05: the time", async () => {
  const { ts = 0 } = await metrics(daemon);
  expect(Math.abs(ts - Date.now() / 1000)).toBeLessThan(2);
});

test("without /proc: 500 without a body, and then again", () =>
  Daemon.with({}, async (other) => {
    const outside = Bun.spawnSync(["nsenter", "-t", `${other.pid}`, "-m", "umount", "-l", "/proc"]);
    expect(outside.exitCode).toBe(0);
    const response = await other.fetch("/metrics");
    expect([response.status, await response.text()]).toEqual([500, ""]);
    expect((await other.fetch("/health")).status).toBe(200);
  }));

test("ENV-01: the variables of users and of the daemon", () =>
  Daemon.with({}, async (other) => {
    expect((await other.init({ envVars: { A: "1" } })).status).toBe(204);
    const response = await other.fetch("/envs");
    expect([response.status, response.headers.get("cache-control"), response.headers.get("content-type")]).toEqual([200, "no-store", "application/json"]);
    expect(await response.json()).toEqual({ A: "1", WRENN_SANDBOX: "false", E2B_SANDBOX: "false" });
  }));
