// Control groups in a guest, which has all of version 2: one boot, with envd's protocol at the port that the host reaches.
// The order counts: first what makes no groups, last what ends the guest.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Grouped, groupCases } from "../envd/group-cases.ts";
import { until } from "../until.ts";
import { network } from "./booted.ts";
import { Archive } from "./cpio.ts";
import { Guest, guestPort, hangLimit } from "./guest.ts";
import { busyboxImage, withModules } from "./images.ts";

setDefaultTimeout(hangLimit);

const root = "/sys/fs/cgroup";
const users = new Archive().file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n").file("/etc/group", "root:x:0:\nuser:x:1000:\n");
const parameters = [
  ...network.filter((word) => !word.startsWith("mote.listen=")),
  ...[`mote.listen=envd+tcp:0.0.0.0:${guestPort}`, "mote.mmds=off", "mote.grace_ms=60000"],
];

let guest: Guest | undefined;
let grouped: Grouped | undefined;
beforeAll(async () => {
  const booted = Guest.boot({ initramfs: [busyboxImage(), withModules(), users.bytes()], parameters });
  guest = booted;
  const port = await booted.port();
  await until("the agent answers", 120, async () => {
    if (!booted.isRunning) throw new Error(`QEMU ended: ${booted.console.tail()}`);
    return (await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok === true;
  });
  grouped = new Grouped(port, root);
}, hangLimit);
afterAll(async () => await guest?.dispose());

function at(): Grouped {
  if (grouped === undefined) throw new Error("the guest did not come up");
  return grouped;
}

/** Another agent in the guest, beside the first: not PID 1, with options of its own, on port 7001. Returns its pid. */
async function another(...options: string[]): Promise<number> {
  const args = ["--no-supervise", "--envd", "tcp:127.0.0.1:7001", ...options];
  const stream = await at().client.start({ cmd: "/usr/local/bin/mote", args, tag: "_system", stdin: false }, { headers: at().headers });
  await stream.until("listening on ");
  return stream.pid;
}

async function exists(path: string): Promise<boolean> {
  return (await at().system(`[ -e ${path} ] && echo yes || echo no`)) === "yes\n";
}

describe("L144: no groups are made", () => {
  const ran = "until [ -e /run/ran ]; do sleep 0.1; done; rm /run/ran";

  test("by --isnotfc", async () => {
    const pid = await another("--isnotfc", "--cmd", "touch /run/ran");
    await at().system(ran);
    await at().kill(pid);
    expect(await exists(`${root}/wrenn`)).toBe(false);
  });

  test("by --no-cgroups", async () => {
    const pid = await another("--cgroup-root", root, "--no-cgroups", "--isnotfc", "--cmd", "touch /run/ran");
    await at().system(ran);
    await at().kill(pid);
    expect(await exists(`${root}/wrenn`)).toBe(false);
  });
});

test("L132: under a root that has no io the others are enabled all the same", async () => {
  const parent = `${root}/part`;
  await at().system(`mkdir ${parent}; for name in cpu memory pids; do for at in ${root} ${parent}; do echo +$name >$at/cgroup.subtree_control; done; done; mkdir ${parent}/root`);
  expect(await at().system(`cat ${parent}/root/cgroup.controllers`)).toBe("cpu memory pids\n");
  const pid = await another("--isnotfc", "--cgroup-root", `${parent}/root`, "--cmd", "exec sleep 1000");
  await at().system(`until grep -q . ${parent}/root/wrenn/user/cgroup.procs 2>/dev/null; do sleep 0.1; done`);
  expect(await at().system(`cd ${parent}/root/wrenn; cat cgroup.subtree_control user/cpu.weight pty/cpu.weight`)).toBe("cpu memory pids\n50\n200\n");
  await at().kill(pid);
  await at().system(`kill -9 $(cat ${parent}/root/wrenn/user/cgroup.procs)`);
});

groupCases(at);

test("L131: weights and limits", async () => {
  const total = Number(/^MemTotal: +(\d+) kB/m.exec(await at().system("cat /proc/meminfo"))?.[1]) * 1024;
  // In whole pages.
  const limit = Math.floor((total - Math.min(total / 8, 128 * 1024 * 1024)) / 4096) * 4096;
  for (const [group, weight, io] of [["pty", 200, 50], ["user", 50, 10]] as const) {
    const names = ["cpu.weight", "memory.high", "memory.max"];
    const said = (await at().system(`cd ${root}/wrenn/${group}; cat ${names.join(" ")}`)).trim().split("\n");
    expect([group, ...said.map(Number)]).toEqual([group, weight, limit, limit]);
    expect(await at().read(`wrenn/${group}/io.weight`)).toBe(`default ${io}`);
  }
  expect((await at().read("wrenn/cgroup.subtree_control")).split(" ")).toEqual(expect.arrayContaining(["cpu", "io", "memory", "pids"]));
});

test("L143: a freeze without a thaw ends by itself", async () => {
  await at().system(`mkdir ${root}/late`);
  const pid = await another("--isnotfc", "--cgroup-root", `${root}/late`, "--thaw-after", "1", "--cmd", "exec sleep 1000");
  const user = `${root}/late/wrenn/user`;
  await at().system(`until grep -q . ${user}/cgroup.procs 2>/dev/null; do sleep 0.1; done`);
  await at().system("printf 'POST /freeze?maxWaitMs=60000 HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' | nc 127.0.0.1 7001 | grep -q '\"frozen\":2'");
  await at().system(`until grep -q 0 ${user}/cgroup.freeze; do sleep 0.1; done`);
  await at().kill(pid);
  await at().system(`kill -9 $(cat ${user}/cgroup.procs)`);
});

test("L063: a stop thaws a process, whose trap for SIGTERM runs", async () => {
  const script = "trap 'echo the trap ran >/dev/console; exit' TERM; echo armed; while :; do sleep 1; done";
  await (await at().client.sh(script, { headers: at().headers })).until("armed");
  await at().freeze("&mode=hierarchy");
  await guest?.pressCtrlAltDelete();
  await guest?.console.line(/the trap ran/);
  expect(await guest?.ending()).toBe(0);
});
