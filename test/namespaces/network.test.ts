// The network and services of an init: the agent as PID 1 of its own namespaces, where eth0 is one end of a veth pair.

import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, statSync } from "node:fs";
import { inside, Namespace, type NamespaceOptions } from "../namespace.ts";
import { until } from "../until.ts";

const DEVICE = "ip link add eth0 type veth peer name peer0";
const WAIT_SECONDS = 10;
const TEST_MS = 30_000;

interface Link {
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly broadcast?: string }[];
}

async function link(namespace: Namespace, name: string): Promise<Link> {
  const links: Link[] = JSON.parse(await namespace.enter(`ip -j addr show dev ${name}`));
  const first = links[0];
  if (first === undefined) throw new Error(`no ${name}`);
  return first;
}

async function ipv4(namespace: Namespace): Promise<string[]> {
  const { addr_info } = await link(namespace, "eth0");
  return addr_info.filter(({ local }) => !local.includes(":")).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

async function defaultRoutes(namespace: Namespace): Promise<string[]> {
  const routes: { gateway: string; dev: string }[] = JSON.parse(await namespace.enter("ip -j -4 route show default"));
  return routes.map(({ gateway, dev }) => `${gateway} ${dev}`);
}

/** Milliseconds since 1970 of the first log line with this text. */
function timeOf(namespace: Namespace, text: string): number {
  const line = namespace.stderr.split("\n").find((candidate) => candidate.includes(text)) ?? "";
  return Date.parse(line.split(" ")[0] ?? "");
}

function logged(namespace: Namespace, text: string, seconds = WAIT_SECONDS): Promise<void> {
  return until(`the log says "${text}"`, seconds, () => namespace.stderr.includes(text));
}

/** Setup that makes a script inside. */
function script(path: string, body: string): string {
  return `mkdir -p $(dirname $ROOT${path}); printf '#!/bin/sh\\n%s\\n' '${body}' >$ROOT${path}; chmod +x $ROOT${path}`;
}

const outside = (namespace: Namespace, path: string): string => `/proc/${namespace.pid}/root${path}`;

function withInit(options: NamespaceOptions, body: (namespace: Namespace) => Promise<void>): Promise<void> {
  // This machine's own files are seen through the overlay.
  const paths = ["/etc/hosts", "/etc/resolv.conf", "/root/.ssh", "/usr/sbin/sshd", "/etc/ssh"];
  const setup = `rm -rf ${paths.map((path) => `$ROOT${path}`).join(" ")}\n${options.setup ?? ""}`;
  return Namespace.with({ ...options, setup }, body);
}

test("L020 loopback is up, with both its addresses, before anybody listens on it", () => {
  const addresses = [`unix:${inside}/agent.sock`, "tcp:127.0.0.1:5000", "tcp:[::1]:5001"];
  const args = addresses.flatMap((address) => ["--listen", address]);
  return withInit({ args, listeners: 3 }, async (namespace) => {
    const { flags, addr_info } = await link(namespace, "lo");
    // iproute2 shows a missing RUNNING as NO-CARRIER.
    expect([...flags].sort()).toEqual(["LOOPBACK", "LOWER_UP", "UP"]);
    expect(addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)).toEqual(["127.0.0.1/8", "::1/128"]);
    await namespace.enter("bash -c 'exec 3<>/dev/tcp/127.0.0.1/5000 4<>/dev/tcp/::1/5001'");
  });
}, TEST_MS);

describe("ip=", () => {
  test("L021 address, mask, gateway, host name and name server", () => {
    const commandLine = "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off:10.0.2.3 mote.hostname=box";
    return withInit({ commandLine, setup: DEVICE }, async (namespace) => {
      await until("resolv.conf is there", WAIT_SECONDS, () => existsSync(outside(namespace, "/etc/resolv.conf")));
      expect(await ipv4(namespace)).toEqual(["10.0.2.15/24"]);
      expect((await link(namespace, "eth0")).flags).toContain("UP");
      expect((await link(namespace, "eth0")).addr_info[0]?.broadcast).toBe("10.0.2.255");
      expect(await defaultRoutes(namespace)).toEqual(["10.0.2.2 eth0"]);
      expect(namespace.read("/etc/resolv.conf")).toBe("nameserver 10.0.2.3\n");
      expect(namespace.read("/etc/hosts")).toBe("127.0.1.1\tbox\n127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    });
  }, TEST_MS);

  test("L022 with empty fields: the address alone, no route, no failure", () => {
    const commandLine = "ip=10.0.2.15:::255.255.255.0::eth0:off mote.exec=true";
    return withInit({ commandLine, setup: DEVICE }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(await ipv4(namespace)).toEqual(["10.0.2.15/24"]);
      expect(await defaultRoutes(namespace)).toEqual([]);
      expect(namespace.stderr).not.toContain(" warn network");
      expect(existsSync(outside(namespace, "/etc/resolv.conf"))).toBe(false);
    });
  }, TEST_MS);

  test("L023 an interface with an address is left as it is", () => {
    const setup = `${DEVICE}; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up
      ip route add default via 10.0.2.2`;
    const commandLine = "ip=10.0.2.99::10.0.2.1:255.255.0.0::eth0:off mote.exec=true";
    return withInit({ commandLine, setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(await ipv4(namespace)).toEqual(["10.0.2.15/24"]);
      expect(await defaultRoutes(namespace)).toEqual(["10.0.2.2 eth0"]);
      expect(namespace.stderr).not.toContain(" warn network");
    });
  }, TEST_MS);

  test("L023 a route that is there already is no error", () => {
    const setup = `${DEVICE}; ip link set eth0 up
      ip route add 10.0.2.2 dev eth0; ip route add default via 10.0.2.2 dev eth0`;
    // No mask: to change it, the kernel takes the address away for a moment, and all routes with it.
    const commandLine = "ip=10.0.2.15::10.0.2.2:::eth0:off mote.exec=true";
    return withInit({ commandLine, setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(await ipv4(namespace)).toEqual(["10.0.2.15/8"]);
      expect(await defaultRoutes(namespace)).toEqual(["10.0.2.2 eth0"]);
      expect(namespace.stderr).not.toContain(" warn network");
    });
  }, TEST_MS);

  test("a mask that the kernel refuses costs the mask", () => {
    const commandLine = "ip=10.0.2.15::10.0.2.2:255.0.255.0::eth0:off mote.exec=true";
    return withInit({ commandLine, setup: DEVICE }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(namespace.stderr).toContain("SIOCSIFNETMASK eth0: Invalid argument");
      expect(await ipv4(namespace)).toEqual(["10.0.2.15/8"]);
      expect(await defaultRoutes(namespace)).toEqual(["10.0.2.2 eth0"]);
    });
  }, TEST_MS);
});

describe("a device", () => {
  test("L024 that does not come is waited for 2 s, while the control channel answers; then the rest is done", () => {
    const commandLine = "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off mote.exec=true";
    return withInit({ commandLine }, async (namespace) => {
      let pings = 0;
      while (!namespace.stderr.includes("no such device")) {
        await namespace.client.ping();
        if (!namespace.stderr.includes("no such device")) pings++;
      }
      expect(pings).toBeGreaterThan(0);
      expect(timeOf(namespace, "no such device") - timeOf(namespace, "listening on")).toBeGreaterThan(1500);
      await logged(namespace, "service ended");
    });
  }, TEST_MS);

  test("that comes late is configured", () => {
    const commandLine = "ip=10.0.2.15::10.0.2.2:255.255.255.0::late0:off";
    return withInit({ commandLine }, async (namespace) => {
      await namespace.enter("ip link add late0 type veth peer name peer0");
      await logged(namespace, "late0: address 10.0.2.15 mask 255.255.255.0 gateway 10.0.2.2");
      expect(await defaultRoutes(namespace)).toEqual(["10.0.2.2 late0"]);
    });
  }, TEST_MS);
});

describe("L025 resolv.conf", () => {
  const commandLine = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off:10.0.2.3 mote.exec=true";

  test("that is a link to nothing becomes a file", () => {
    const setup = `${DEVICE}; ln -s ../run/systemd/resolve/stub-resolv.conf $ROOT/etc/resolv.conf`;
    return withInit({ commandLine, setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(lstatSync(outside(namespace, "/etc/resolv.conf")).isFile()).toBe(true);
      expect(namespace.read("/etc/resolv.conf")).toBe("nameserver 10.0.2.3\n");
    });
  }, TEST_MS);

  test("that is a link to systemd's stub stays", () => {
    const setup = `${DEVICE}; mkdir -p $ROOT/var/systemd/resolve
      echo 'nameserver 127.0.0.53' >$ROOT/var/systemd/resolve/stub-resolv.conf
      ln -s ../var/systemd/resolve/stub-resolv.conf $ROOT/etc/resolv.conf`;
    return withInit({ commandLine, setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(lstatSync(outside(namespace, "/etc/resolv.conf")).isSymbolicLink()).toBe(true);
      expect(namespace.read("/etc/resolv.conf")).toBe("nameserver 127.0.0.53\n");
    });
  }, TEST_MS);
});

describe("smolvm.network=guest", () => {
  test("L033 a script that sleeps is killed after 15 s with all it started; the channel answers throughout", () => {
    const body = `echo $* >${inside}/arguments; sleep 7654 & sleep 7655`;
    const setup = `${DEVICE}\n${script("/etc/smolvm/network.sh", body)}`;
    return withInit({ commandLine: "smolvm.network=guest mote.exec=true", setup }, async (namespace) => {
      const sleeps = async (): Promise<string> => namespace.enter("pgrep -f 'sleep 765[45]' | wc -l");
      await until("the script runs", WAIT_SECONDS, async () => (await sleeps()) === "2\n");
      // PID 1 itself goes on too: it takes the statuses of orphans.
      await namespace.enter("for i in 1 2 3; do (true &); done");
      const zombies = (): Promise<string> => namespace.enter("ps -eo stat= | grep -c ^Z || true");
      await until("no zombie is left", WAIT_SECONDS, async () => (await zombies()) === "0\n");
      expect(namespace.stderr).not.toContain("not configured");
      while (!namespace.stderr.includes("not configured within 15 s")) {
        await namespace.client.ping();
        await Bun.sleep(20);
      }
      expect(timeOf(namespace, "not configured") - timeOf(namespace, "listening on")).toBeGreaterThan(14_000);
      await until("the script is gone", WAIT_SECONDS, async () => (await sleeps()) === "0\n");
      expect(namespace.read(`${inside}/arguments`)).toBe("eth0\n");
      await logged(namespace, "service ended");
    });
  }, 60_000);

  test("a script that configures it is all", () => {
    const setup = `${DEVICE}\n${script("/etc/smolvm/network.sh", "ip addr add 10.9.9.9/24 dev $1")}`;
    return withInit({ commandLine: "smolvm.network=guest mote.exec=true", setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(await ipv4(namespace)).toEqual(["10.9.9.9/24"]);
      expect(namespace.stderr).not.toContain(" warn network");
    });
  }, TEST_MS);

  test("without one, the first of the usual programs that succeeds", () => {
    const bin = "/usr/local/sbin";
    const setup = [
      DEVICE,
      script(`${bin}/ifup`, `echo ifup $* >>${inside}/calls; exit 3`),
      script(`${bin}/udhcpc`, `echo udhcpc $* >>${inside}/calls; ip addr add 10.9.9.8/24 dev $2`),
      script(`${bin}/dhclient`, `echo dhclient $* >>${inside}/calls`),
    ].join("\n");
    return withInit({ commandLine: "smolvm.network=guest mote.exec=true", setup }, async (namespace) => {
      await logged(namespace, "service ended");
      expect(namespace.read(`${inside}/calls`)).toBe("ifup eth0\nudhcpc -i eth0\n");
      expect(namespace.stderr).toContain("ifup eth0: exit code 3");
      expect(await ipv4(namespace)).toEqual(["10.9.9.8/24"]);
    });
  }, TEST_MS);
});

describe("the ssh key", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJc6eP6m7R1nXvSg3xJ5o6Q0t8fC2mX0l2d0F5bV8bqk user@host";

  test("L031 that is base64 of a key line is authorized", () => {
    const base64 = Buffer.from(line).toString("base64");
    return withInit({ commandLine: `smolvm.authorized_key_b64=${base64}` }, async (namespace) => {
      const path = outside(namespace, "/root/.ssh/authorized_keys");
      await until("the key is there", WAIT_SECONDS, () => existsSync(path));
      expect(namespace.read("/root/.ssh/authorized_keys")).toBe(`${line}\n`);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(outside(namespace, "/root/.ssh")).mode & 0o777).toBe(0o700);
    });
  }, TEST_MS);

  test("L031 that is not is a warning, and no file", () => {
    const base64 = `${Buffer.from(line).toString("base64").slice(1)}!`;
    return withInit({ commandLine: `smolvm.authorized_key_b64=${base64}` }, async (namespace) => {
      await logged(namespace, "smolvm.authorized_key_b64: not base64");
      expect(namespace.stderr).not.toContain(base64);
      expect(existsSync(outside(namespace, "/root/.ssh/authorized_keys"))).toBe(false);
    });
  }, TEST_MS);
});

test("a service of mote.exec is started once, and its end is logged", () => {
  return withInit({ commandLine: `"mote.exec=echo x >>${inside}/runs; exit 7" mote.exec=true` }, async (namespace) => {
    await logged(namespace, "exit code 7");
    await logged(namespace, "exit code 0: true");
    await namespace.client.ping();
    expect(namespace.read(`${inside}/runs`)).toBe("x\n");
    expect(namespace.stderr.split("exit code 7")).toHaveLength(2);
  });
}, TEST_MS);

describe("profile smolvm", () => {
  const stages = [
    "init-start", "mounts-ready", "root-ready", "guest-agent-start", "guest-agent-started", "net-config-start",
    "net-config-done", "net-ready", "clock-sync-start", "clock-sync-disabled", "ssh-hostkey-check-start",
    "ssh-hostkey-check-done", "ssh-authkey-inject-start", "ssh-authkey-inject-done",
  ];
  const sshStages = ["sshd-start", "sshd-invoked"];

  function stagesIn(text: string): string[] {
    let last = 0;
    return text.trimEnd().split("\n").map((line) => {
      const record: { stage: string; epoch_s: number; uptime_s: number } = JSON.parse(line);
      expect(Object.keys(record)).toEqual(["stage", "epoch_s", "uptime_s"]);
      expect(record.uptime_s).toBeGreaterThanOrEqual(last);
      expect(Math.abs(record.epoch_s - Date.now() / 1000)).toBeLessThan(60);
      last = record.uptime_s;
      return record.stage;
    });
  }

  async function boot(setup: string, expected: string[]): Promise<void> {
    const console = "touch $ROOT/dev/console; : >$ROOT/var/log/smolvm-boot.log";
    // The log would go to that console.
    const args = ["--listen", `unix:${inside}/agent.sock`, "--log-to", "stderr"];
    const options = { name: "smolvm-guest-agent", args, setup: `${DEVICE}\n${console}\n${setup}` };
    await withInit(options, async (namespace) => {
      const isComplete = (): boolean => namespace.read("/var/log/smolvm-boot.log").includes("init-complete");
      await until("the boot is complete", WAIT_SECONDS, isComplete);
      expect(stagesIn(namespace.read("/run/smolvm/milestones.jsonl"))).toEqual(expected);
      expect(namespace.read("/run/smolvm/boot-milestones.jsonl")).toBe(namespace.read("/run/smolvm/milestones.jsonl"));
      const lines = namespace.read("/var/log/smolvm-boot.log");
      expect(lines).toMatch(/^(SMOLVM_TS stage=[a-z-]+ epoch_s=[0-9]+\.[0-9]{3} uptime_s=[0-9]+\.[0-9]{3}\n)+$/);
      expect(lines.split("\n").slice(0, -1).map((line) => line.split(/[ =]/)[2] ?? "")).toEqual(expected);
      expect(namespace.read("/dev/console")).toContain("SMOLVM_TS stage=init-complete ");
      expect(await ipv4(namespace)).toEqual(["172.16.0.2/24"]);
      expect(await defaultRoutes(namespace)).toEqual(["172.16.0.1 eth0"]);
      const servers = ["172.16.0.1", "8.8.8.8", "8.8.4.4"];
      expect(namespace.read("/etc/resolv.conf")).toBe(servers.map((server) => `nameserver ${server}\n`).join(""));
      if (setup !== "") await until("sshd runs", WAIT_SECONDS, () => existsSync(namespace.path("sshd")));
    });
  }

  test("L032 the stages, in order; those of sshd only where there is one", () => {
    return boot("", [...stages, "init-complete"]);
  }, TEST_MS);

  test("L032 with an sshd: a host key is made, then it is started", () => {
    const body = `test -s /etc/ssh/ssh_host_ed25519_key && test -d /run/sshd && touch ${inside}/sshd; exec sleep 60`;
    const setup = `mkdir -p $ROOT/etc/ssh; ${script("/usr/sbin/sshd", body)}`;
    return boot(setup, [...stages, ...sshStages, "init-complete"]);
  }, TEST_MS);
});
