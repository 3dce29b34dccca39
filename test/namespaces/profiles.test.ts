// A guest of each host of envd's, booted by the host's own command line, lifecycle.md 0, 1.2 to 1.7: what it finds there, and
// what it is answered. A veth pair is its network, and a metadata service of the tests' own has Firecracker's address.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { MountTable } from "../../sys/mount.ts";
import { MetadataService } from "../envd/mmds-service.ts";
import { door } from "../envd/mmds-network.ts";
import { host } from "../host.ts";
import { Namespace, type NamespaceOptions } from "../namespace.ts";
import { until } from "../until.ts";

const TEST_MS = 60_000 * host.patience;
const PORT = 49_983;
const GUEST = "169.254.0.21";
const ids = { instanceID: "i-0123", envID: "t-4567" };

const wrennLine = "console=ttyS0 reboot=k panic=1 pci=off quiet loglevel=1 clocksource=kvm-clock init=/usr/local/bin/wrenn-init " +
  "ip=169.254.0.21::169.254.0.22:255.255.255.252:capsule:eth0:off";
const e2bLine = "quiet loglevel=1 init=/usr/bin/envd ip=169.254.0.21::169.254.0.22:255.255.255.252:instance:eth0:off:8.8.4.4 ipv6.disable=0 " +
  "ipv6.autoconf=1 panic=1 reboot=k pci=off i8042.nokbd i8042.noaux random.trust_cpu=on rootflags=discard";

/** Boots a guest whose host publishes ids, and waits until its network is there. */
function booted(options: NamespaceOptions, body: (guest: Namespace, service: MetadataService) => Promise<void>): Promise<void> {
  return MetadataService.with(ids, (service) => {
    const setup = `rm -rf $ROOT/etc/hosts $ROOT/etc/resolv.conf $ROOT/run; mkdir $ROOT/run
      ip link add eth0 type veth peer name mmds0
      ip addr add 169.254.169.254/32 dev mmds0
      ip link set mmds0 up
      ${door(service.path)}
      ${options.setup ?? ""}`;
    // The command lines say `quiet`, and the harness listens to the log.
    const args = options.args ?? ["--log", "info"];
    return Namespace.with({ ...options, args, setup }, async (guest) => {
      await until("the guest is up", 20, () => guest.stderr.includes("the guest is up"));
      await body(guest, service);
    });
  });
}

interface Reply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A request on a connection of its own, to the guest's address, as its host makes it. */
async function request(guest: Namespace, line: string, body = ""): Promise<Reply> {
  const bytes = `${line} HTTP/1.1\r\nHost: ${GUEST}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const text = Buffer.from(bytes).toString("base64");
  const whole = await guest.enter(`bash -c 'exec 3<>/dev/tcp/${GUEST}/${PORT}; echo ${text} | base64 -d >&3; cat <&3'`);
  const [head = "", ...rest] = whole.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head, body: rest.join("\r\n\r\n") };
}

async function envs(guest: Namespace): Promise<Record<string, string>> {
  return JSON.parse((await request(guest, "GET /envs")).body) as Record<string, string>;
}

const variables = {
  WRENN_SANDBOX: "true", WRENN_SANDBOX_ID: ids.instanceID, WRENN_TEMPLATE_ID: ids.envID,
  E2B_SANDBOX: "true", E2B_SANDBOX_ID: ids.instanceID, E2B_TEMPLATE_ID: ids.envID,
};

async function known(guest: Namespace): Promise<void> {
  await until("the ids are known", 20, async () => (await envs(guest)).WRENN_SANDBOX_ID !== undefined);
  expect(await envs(guest)).toEqual(variables);
}

async function network(guest: Namespace): Promise<[string, string]> {
  const address = await guest.enter("ip -o -4 addr show dev eth0");
  return [/inet (\S+)/.exec(address)?.[1] ?? "", (await guest.enter("ip -4 route show default")).trim()];
}

test("L014, L150: Wrenn's guest, by the command line of its host", () =>
  booted({ name: "/usr/local/bin/wrenn-init", commandLine: wrennLine }, async (guest) => {
    expect(guest.stderr).toContain(`listening on envd+tcp:0.0.0.0:${PORT}`);
    expect(await guest.enter("cat /proc/sys/kernel/hostname")).toBe("capsule\n");
    expect(await network(guest)).toEqual(["169.254.0.21/30", "default via 169.254.0.22 dev eth0"]);
    expect(guest.read("/etc/resolv.conf")).toBe("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
    expect(guest.read("/etc/hosts")).toBe("127.0.1.1\tcapsule\n127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    expect(MountTable.parse(guest.read("/proc/1/mountinfo")).at("/tmp")?.type).toBe("tmpfs");
    expect((await guest.enter("tr '\\0' '\\n' < /proc/1/environ")).split("\n")).not.toContain("WRENN_SANDBOX=true");
    await known(guest);
    for (const [path, text] of [
      ["/run/wrenn/.WRENN_SANDBOX", "true"], ["/run/wrenn/.WRENN_SANDBOX_ID", ids.instanceID], ["/run/wrenn/.WRENN_TEMPLATE_ID", ids.envID],
      ["/run/e2b/.E2B_SANDBOX", "true"], ["/run/e2b/.E2B_SANDBOX_ID", ids.instanceID], ["/run/e2b/.E2B_TEMPLATE_ID", ids.envID],
    ]) expect(guest.read(path ?? "")).toBe(text ?? "");
  }), TEST_MS);

test("L163: Wrenn's host asks in its own order: health, init, files, prepare, and after the restore health, init, health", () =>
  booted({ name: "/usr/local/bin/wrenn-init", commandLine: wrennLine }, async (guest, service) => {
    const health = async (): Promise<void> => {
      const { status, body } = await request(guest, "GET /health");
      expect([status, Object.keys(JSON.parse(body) as object)]).toEqual([200, ["version"]]);
    };
    const init = JSON.stringify({ defaultUser: "root", envVars: { A: "1" } });
    await health();
    expect((await request(guest, "POST /init", init)).status).toBe(204);
    await until("the ids are known", 20, async () => (await envs(guest)).WRENN_SANDBOX_ID !== undefined);
    expect(await envs(guest)).toEqual({ A: "1", ...variables });
    expect((await request(guest, "GET /files?path=/run/wrenn/.WRENN_SANDBOX_ID")).body).toBe(ids.instanceID);
    expect((await request(guest, "POST /snapshot/prepare")).status).toBe(204);
    // Another Firecracker: its store is empty until the host has written it, and its tokens are others.
    service.store = null;
    service.forgetTokens();
    service.store = { instanceID: "i-9", envID: ids.envID };
    await health();
    expect((await request(guest, "POST /init", init)).status).toBe(204);
    await until("the new id is known", 20, async () => (await envs(guest)).WRENN_SANDBOX_ID === "i-9");
    await health();
  }), TEST_MS);

test("E2B's guest, with the agent in the place of its init", () =>
  booted({ name: "/usr/bin/envd", commandLine: e2bLine, setup: "mkdir -p $ROOT/tmp; chmod 0700 $ROOT/tmp" }, async (guest) => {
    expect(guest.stderr).toContain(`listening on envd+tcp:0.0.0.0:${PORT}`);
    expect(await guest.enter("cat /proc/sys/kernel/hostname")).toBe("instance\n");
    expect(await network(guest)).toEqual(["169.254.0.21/30", "default via 169.254.0.22 dev eth0"]);
    expect(guest.read("/etc/resolv.conf")).toBe("nameserver 8.8.4.4\n");
    expect(guest.read("/etc/hosts")).toBe("127.0.1.1\tinstance\n127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    expect(MountTable.parse(guest.read("/proc/1/mountinfo")).at("/tmp")).toBeUndefined();
    expect((await guest.enter("stat -c %a /tmp")).trim()).toBe("700");
    await known(guest);
    expect((await request(guest, "POST /init", JSON.stringify({ envVars: {}, hyperloopIP: "192.0.2.1" }))).status).toBe(204);
    expect(guest.read("/etc/hosts")).toContain("192.0.2.1\tevents.wrenn.local\n192.0.2.1\tevents.e2b.local\n");
    expect((await envs(guest)).E2B_EVENTS_ADDRESS).toBe("http://192.0.2.1");
  }), TEST_MS);

test("without ip= Wrenn's guest has its host's addresses", () =>
  booted({ name: "/usr/local/bin/wrenn-init" }, async (guest) => {
    expect(await network(guest)).toEqual(["169.254.0.21/30", "default via 169.254.0.22 dev eth0"]);
    await known(guest);
  }), TEST_MS);

const silent: [string, NamespaceOptions][] = [
  ["mote.mmds=off", { name: "wrenn-init", commandLine: "mote.mmds=off" }],
  ["--isnotfc", { name: "wrenn-init", args: ["--log", "info", "--isnotfc"] }],
];
test.each(silent)("L161: %s: nobody is asked", (_, options) =>
  booted(options, async (guest, service) => {
    expect((await request(guest, "POST /init", "{}")).status).toBe(204);
    expect(service.connections.length).toBe(0);
    expect((await envs(guest)).WRENN_SANDBOX_ID).toBeUndefined();
    expect(existsSync(`/proc/${guest.pid}/root/run/wrenn/.WRENN_SANDBOX_ID`)).toBe(false);
  }), TEST_MS);

test.each(["mote.mmds=on", "mote.mmds=off"])("where the arguments say that it is asked, %s counts for less", (commandLine) =>
  booted({ name: "wrenn-init", commandLine, args: ["--log", "info", "--mmds", "on"] }, known), TEST_MS);
