// The network of an init: the agent as PID 1 of its own namespaces, where eth0 is one end of a veth pair.

import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync } from "node:fs";
import { inside, Namespace } from "../namespace.ts";
import { until } from "../until.ts";
import { defaultRoutes, DEVICE, ipv4, link, logged, outside, script, TEST_MS, WAIT_SECONDS, withInit } from "./booting.ts";

/** Milliseconds since 1970 of the first log line with this text. */
function timeOf(namespace: Namespace, text: string): number {
  const line = namespace.stderr.split("\n").find((candidate) => candidate.includes(text)) ?? "";
  return Date.parse(line.split(" ")[0] ?? "");
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
