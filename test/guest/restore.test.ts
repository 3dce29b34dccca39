// A guest as Wrenn's host has it, at work, that is saved after a preparation and goes on twice from the one file: each time
// as if the host had made another machine of it, with the time that has passed, and without anybody who was connected.

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RawClient } from "../http/raw.ts";
import type { EventStream } from "../rpc/event-stream.ts";
import { Files } from "../rpc/files.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { hangLimit } from "./guest.ts";
import { prepared } from "./machine.ts";
import { envdPort, milliseconds, wrennDisk, WrennGuest } from "./wrenn.ts";

setDefaultTimeout(hangLimit);

const directory = scratchDirectory();
const disk = wrennDisk(directory);
const file = join(directory, "saved");
const savedDisk = join(directory, "saved.ext4");
afterAll(() => remove(directory));

const HOUR = 3_600_000;

let host: WrennGuest | undefined;
function running(): WrennGuest {
  if (host === undefined) throw new Error("no guest");
  return host;
}
afterAll(async () => await host?.guest.dispose());

test("the guest comes up", async () => {
  host = await WrennGuest.boot(disk);
  await host.ready();
});

test("L191: frozen, frozen again, thawed, thawed again: 204 each time, and nothing is written between", async () => {
  const post = (path: string): Promise<number> => running().status("POST", path);
  expect([await post("/fsfreeze"), await post("/fsfreeze")]).toEqual([204, 204]);
  const writer = await running().client.sh("echo $$; echo x >/root/w; echo written", { user: "root" });
  const pid = (await writer.until("\n")).trim();
  await until("it waits for the disk", 60, async () => (await running().output(`cat /proc/${pid}/stat`)).includes(") D "));
  expect([await post("/fsthaw"), await post("/fsthaw")]).toEqual([204, 204]);
  await writer.until("written\n");
  writer.close();
});

/** Whether what listens on loopback can be had at the guest's address. */
async function isForwarded(at: WrennGuest): Promise<boolean> {
  return (await at.output("wget -qO- http://169.254.0.21:8000/page 2>/dev/null || true")) === "served\n";
}

let ticking = 0;
let watching = 0;
let sleeping = 0;
/** The kernel's time, in milliseconds, at which the guest still ran. */
let lastTick = 0;

test("it is at work, prepared, and saved", async () => {
  const { client, guest, port } = running();
  const files = new FormData();
  files.append("file", new Blob([readFileSync(prepared("suite"))]));
  expect((await running().fetch("/files?path=/tmp/suite&username=root", { method: "POST", body: files })).status).toBe(200);
  // An hour late from now on.
  const timestamp = new Date(Date.now() - HOUR).toISOString();
  expect(await running().status("POST", "/init", { timestamp, defaultUser: "root", envVars: { LIFE: "first" } })).toBe(204);
  const watch = await client.sh("chmod 755 /tmp/suite; exec /tmp/suite clock", { user: "root" }, { tag: "watch" });
  watching = await watch.started();
  await watch.until("watching\n");
  // QEMU resets a connection that it does not know, once something is sent on it: on this one nothing is.
  const quiet = await client.sh("exec sleep 10000", { user: "root" }, { tag: "quiet" });
  sleeping = await quiet.started();
  const load = await client.sh("while :; do echo tick; echo tick >/dev/kmsg; usleep 10000; done", { user: "root" }, { tag: "load" });
  ticking = await load.started();
  await load.until("tick\n");
  await running().output("echo served >/tmp/page; httpd -p 127.0.0.1:8000 -h /tmp");
  await until("its port is forwarded", 60, () => isForwarded(running()));
  const idle = await RawClient.connect(port);
  await idle.get("/health");
  expect((await idle.response()).status).toBe(200);
  await running().output("truncate -s 256M /tmp/big");
  const download = await RawClient.connect(port);
  await download.get("/files?path=/tmp/big&username=root");
  expect((await download.head())?.status).toBe(200);
  download.ignore();
  download.pause();

  expect(await running().status("POST", "/snapshot/prepare")).toBe(204);
  expect(await idle.ending()).toBe("eof");
  expect(await isForwarded(running())).toBe(false);
  await load.until("tick\n");
  await guest.save(file);
  await guest.console.line(/tick/);
  for (const stream of [watch, quiet, load]) stream.close();
  download.abort();
  await guest.dispose();
  host = undefined;
  copyFileSync(disk, savedDisk);
  lastTick = milliseconds(guest.console.matching(/^\[.*\] tick$/).at(-1) ?? "");
});

/** What is to differ from one to the other. */
const made: string[][] = [];

test.each(["once", "a second time"])("L186, L188: it goes on, %s", async (which) => {
  copyFileSync(savedDisk, disk);
  const at = await WrennGuest.boot(disk, file);
  try {
    await goOn(at, which);
  } finally {
    await at.guest.dispose();
  }
});

async function goOn(host: WrennGuest, which: string): Promise<void> {
  const { guest, port, client } = host;
  await guest.loaded();
  // Waits already: the time to its answer is the guest's own.
  const health = await RawClient.connect(port);
  await health.get("/health");
  await guest.goOn();
  expect((await health.response()).status).toBe(200);
  const took = (await host.when(/the preparation for a snapshot is over/)) - lastTick;
  console.log(`from the last sign of life before the snapshot to the first answer, ${which}: ${took.toFixed(1)} ms of the guest's time`);
  expect(took).toBeLessThan(100);

  // Sockets: only those whose peers are there.
  const stale = (await host.output("cat /proc/net/tcp")).split("\n").filter((line) => {
    const [, local = "", remote = "", state = ""] = line.trim().split(/ +/);
    return local.endsWith(`:${envdPort.toString(16).toUpperCase()}`) && state === "01" && remote !== "";
  });
  // The one that asks for this, and the first one.
  expect(stale.length).toBe(2);

  await until("the port is forwarded again", 60, () => isForwarded(host));

  // The clock: by the battery's clock at first, then by what the host says.
  const [rough, most] = await host.lag();
  expect([most > -3000, rough < 3000]).toEqual([true, true]);
  const sent = Date.now();
  expect(await host.status("POST", "/init", { timestamp: new Date(sent).toISOString(), lifecycleID: which, envVars: { LIFE: which } })).toBe(204);
  // So late it may have come there.
  const way = Date.now() - sent;
  const [least, latest] = await host.lag();
  expect([latest >= -100, least <= way + 100]).toEqual([true, true]);

  // What ran goes on, and says so.
  expect((await client.pids()).sort()).toEqual([watching, sleeping, ticking].sort());
  const watch = await client.connect({ tag: "watch" });
  expect(await watch.started()).toBe(watching);
  const load = await client.connect({ pid: ticking });
  await load.until("tick\n");
  await clockSet(watch, host);
  expect(await host.output("echo $LIFE")).toBe(`${which}\n`);

  const random = await host.output("head -c 32 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid");
  const files = new Files(port, "json");
  const watcher = await files.createWatcher("/tmp");
  const ranges = await host.fetch("/files?path=/etc/passwd&username=root", { headers: { Range: "bytes=0-0,2-2" } });
  made.push([random, watcher, ranges.headers.get("content-type") ?? ""]);
  for (const stream of [watch, load]) stream.close();
  health.abort();
}

/** Has the clock be set once more, and waits until the watcher has heard of it. */
async function clockSet(watch: EventStream, at: WrennGuest): Promise<void> {
  const timestamp = new Date(Date.now() + HOUR).toISOString();
  expect(await at.status("POST", "/init", { timestamp })).toBe(204);
  await watch.until("clock set\n");
}

test("L187: random numbers, and names that the agent makes, are different ones each time", () => {
  expect(made.length).toBe(2);
  const [first = [], second = []] = made;
  for (const [index, value] of first.entries()) expect(value).not.toBe(second[index] ?? "");
});
