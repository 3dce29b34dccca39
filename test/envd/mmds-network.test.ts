// The metadata service at its own address, in a network of the test's own; lifecycle.md 4.1, 4.2 and 8.

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { host as agent } from "../host.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { network } from "./mmds-network.ts";
import { MetadataService } from "./mmds-service.ts";

setDefaultTimeout(hangLimit);

const ids = { instanceID: "i-0123", envID: "t-4567" };
const flags = { WRENN_SANDBOX: "true", E2B_SANDBOX: "true" };
/** The profile says that it is there: nothing else does. */
const wrenn = ["--profile", "wrenn", "--mmds", "auto"];

function isolated(options: DaemonOptions, body: (daemon: Daemon) => Promise<void>): Promise<void> {
  return Daemon.with({ isIsolated: true, ...options }, body);
}

function known(daemon: Daemon): Promise<void> {
  return until("it knows its id", 20, async () => (await daemon.envs()).WRENN_SANDBOX_ID === ids.instanceID);
}

/** TCP segments that have come to the other end of the network; proc_pid_net(5). */
function segments(daemon: Daemon): number {
  const door = readFileSync(join(daemon.directory, "door"), "utf8").trim();
  const [names = [], values = []] = readFileSync(`/proc/${door}/net/snmp`, "utf8").split("\n")
    .filter((line) => line.startsWith("Tcp:")).map((line) => line.split(" "));
  return Number(values[names.indexOf("InSegs")]);
}

/** Runs a command in the daemon's network. */
function enter(daemon: Daemon, ...command: string[]): string {
  return Bun.spawnSync(["nsenter", "--target", `${daemon.pid}`, "--net", ...command]).stdout.toString();
}

test.each([false, true])("L150, SRV-13: in the profile wrenn it is asked at its address, byte for byte; supervised %p", (isSupervised) =>
  MetadataService.with(ids, (service) =>
    isolated({ args: wrenn, setup: network(service.path), isSupervised }, async (daemon) => {
      await known(daemon);
      const [put = "", get = ""] = service.requests;
      expect(put).toBe("PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\nX-metadata-token-ttl-seconds: 60\r\n\r\n");
      expect(get.replace(/token: .*/, "token: <token>"))
        .toBe("GET / HTTP/1.1\r\nHost: 169.254.169.254\r\nX-metadata-token: <token>\r\nAccept: application/json\r\n\r\n");
      expect(/token: (.*)\r/.exec(get)?.[1]?.length).toBe(48);
      expect(segments(daemon)).toBeGreaterThan(0);
      expect(enter(daemon, "ip", "route", "show", "169.254.169.254")).toBe("");
    })));

test("in the profile e2b too", () =>
  MetadataService.with(ids, (service) => isolated({ args: ["--profile", "e2b", "--mmds", "auto"], setup: network(service.path) }, known)));

// The table that the kernel shows of this machine's firmware.
const firmware = (vendor: string): string => `mount -t tmpfs firmware /sys/firmware
  mkdir -p /sys/firmware/acpi/tables
  printf 'DSDT\\0\\0\\0\\0\\2w${vendor}FCVMDSDT' > /sys/firmware/acpi/tables/DSDT`;

test("without a profile: where ACPI names Firecracker", () =>
  MetadataService.with(ids, (service) =>
    isolated({ args: ["--mmds", "auto"], setup: `${network(service.path)}\n${firmware("FIRECK")}` }, known)));

const quiet: [string, DaemonOptions][] = [
  ["--isnotfc", { args: [...wrenn, "--isnotfc"] }],
  ["another machine, and no profile of envd's", { args: ["--mmds", "auto"], setup: firmware("BOCHS ") }],
  ["no ACPI", { args: ["--mmds", "auto"], setup: "mount -t tmpfs firmware /sys/firmware" }],
  ["the profile smolvm", { args: ["--profile", "smolvm", "--mmds", "auto"], setup: firmware("BOCHS ") }],
];
test.each(quiet)("L161: %s: no packet", (name, options) =>
  MetadataService.with(ids, (service) =>
    isolated({ ...options, setup: `${network(service.path)}\n${options.setup ?? ""}` }, async (daemon) => {
      expect((await daemon.init({ envVars: { A: "1" } })).status).toBe(204);
      expect((await daemon.fetch("/snapshot/prepare", { method: "POST" })).status).toBe(204);
      expect((await daemon.fetch("/health")).status).toBe(200);
      expect(segments(daemon)).toBe(0);
      expect(daemon.read("/run/wrenn/.WRENN_SANDBOX").toString()).toBe(name === "--isnotfc" ? "false" : "true");
      expect((await daemon.envs()).WRENN_SANDBOX_ID).toBeUndefined();
    })));

test("L158: nobody there: no id, everything else as usual, and next to no CPU time", () =>
  isolated({ args: wrenn, setup: network(undefined) }, async (daemon) => {
    const before = proc.cpuTicks(daemon.pid);
    const start = performance.now();
    expect((await daemon.init({ accessToken: "token" })).status).toBe(204);
    const headers = { "x-access-token": "token" };
    // The attempts go on meanwhile.
    await until("5 s have passed", 20, async () => {
      expect((await daemon.fetch("/health")).status).toBe(200);
      await Bun.sleep(250);
      return performance.now() - start > 5000;
    });
    expect(await (await daemon.fetch("/envs", { headers })).json()).toEqual(flags);
    for (const path of ["/run/wrenn/.WRENN_SANDBOX_ID", "/run/e2b/.E2B_TEMPLATE_ID"]) expect(() => daemon.read(path)).toThrow();
    // Ticks of 10 ms.
    if (agent.name === "x86_64") expect(proc.cpuTicks(daemon.pid) - before).toBeLessThan(10);
  }));

test("L162: without a default route one is made to the service, and to nothing else", () =>
  MetadataService.with(ids, (service) =>
    isolated({ args: wrenn, setup: network(service.path, false) }, async (daemon) => {
      await known(daemon);
      expect(enter(daemon, "ip", "route", "show", "default")).toBe("");
      expect(enter(daemon, "ip", "route", "show", "169.254.169.254").trim()).toBe("169.254.169.254 dev eth0 scope link");
      expect(enter(daemon, "ip", "-o", "route").trim().split("\n").length).toBe(2);
    })));

test("L162: and where eth0 comes later", () =>
  MetadataService.with(ids, (service) => {
    const setup = `${network(service.path, false)}\nip link set eth0 down\nip link set eth0 name later0`;
    return isolated({ args: wrenn, setup }, async (daemon) => {
      expect((await daemon.init({})).status).toBe(204);
      expect(service.connections.length).toBe(0);
      enter(daemon, "ip", "link", "set", "later0", "name", "eth0");
      enter(daemon, "ip", "link", "set", "eth0", "up");
      await known(daemon);
    });
  }));
