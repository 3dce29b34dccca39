// Guests as the hosts in use boot them.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { remove, scratchDirectory } from "../scratch.ts";
import { booted } from "./booted.ts";
import { linkOn } from "./disk.ts";
import { Guest, guestPort, hangLimit } from "./guest.ts";
import { agentImage, busyboxImage, diskCopy, diskLoader, loader, programs, shell, withModules } from "./images.ts";
import { everyModule, microvm } from "./machine.ts";
import { parseMounts } from "./mounts.ts";

setDefaultTimeout(hangLimit);

describe("the agent alone, no option for it", () => {
  let guest: Guest;
  beforeAll(() => {
    const sizes = "for pid in 1 $(pidof mote-worker); do grep ^Pss: /proc/$pid/smaps_rollup; done";
    const ask = [
      // The agent is idle before, as nobody asks it anything; it shrinks half a second after its start.
      `sleep 3; ${sizes}`,
      // An orphan has woken PID 1.
      `(true &); sleep 2; ${sizes}`,
      // The supervisor has asked the worker whether it is there, 10 s after its start.
      `sleep 8; ${sizes}`,
      "/test/motectl --vsock 1:1024 run -- 'echo served'",
    ].join("; ");
    // Without the kernel's own lines, which would come in the middle of others.
    const parameters = ["quiet", "loglevel=1", `mote.exec="(${ask}) >/dev/console 2>&1"`];
    guest = Guest.boot({ initramfs: [agentImage(), withModules(), programs(), shell()], parameters });
  });
  afterAll(() => guest.dispose());

  test("L201: it serves a run over AF_VSOCK, CID 1, port 1024", async () => {
    await guest.console.line(/^served$/);
  });

  test.each([
    ["after the boot", 0],
    ["after an orphan", 2],
    ["after the supervisor's question", 4],
  ])("supervisor and worker, idle, need at most 400 kB together: %s", (when, index) => {
    const sizes = guest.console.matching(/^Pss:/).map((line) => Number(/^Pss: +(\d+) kB$/.exec(line)?.[1]));
    expect(sizes.length).toBe(6);
    const [supervisor = NaN, worker = NaN] = sizes.slice(index);
    console.log(`idle guest, ${when}: supervisor ${supervisor} kB, worker ${worker} kB proportional set size`);
    expect(supervisor + worker).toBeLessThanOrEqual(400);
  });
});

describe("SmolVM's own /init, a shell script", () => {
  // The order of that script: the agent before the network.
  const lines = [
    "mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev",
    "mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /run",
    "echo 0 >/proc/sys/kernel/ctrl-alt-del",
    "/usr/local/bin/smolvm-guest-agent --listen vsock://1024 >/var/log/smolvm-agent.log 2>&1 </dev/null &",
    "until /test/motectl --vsock 1:1024 ping >/dev/console 2>/dev/null; do :; done",
    "ip addr show eth0 | grep -c 'inet ' | sed 's/^/addresses: /' >/dev/console",
    "ifconfig lo up; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up; hostname smolvm",
    "/test/motectl --vsock 1:1024 run -- 'hostname; grep -c listening /var/log/smolvm-agent.log' >/dev/console",
    "echo done >/dev/console",
    "while :; do sleep 1; done",
  ];
  let guest: Guest;
  beforeAll(async () => {
    const parameters = ["quiet", "loglevel=1", "reboot=k", "init=/init"];
    guest = Guest.boot({ initramfs: [busyboxImage(), programs(), loader(everyModule, lines.join("\n"))], parameters });
    await guest.console.line(/^done$/);
  }, hangLimit);
  afterAll(() => guest.dispose());

  test("L206: a ping is answered before the network is up", () => {
    expect(guest.console.position(/^vsock:1:1024: agent /)).toBeLessThan(guest.console.position(/^addresses: 0$/));
    expect(guest.console.matching(/^vsock:1:1024: agent /).length).toBe(1);
  });

  test("L206: a command runs", () => {
    expect(guest.console.lines).toContain("smolvm");
  });
});

describe("Wrenn's command line, with a disk", () => {
  const directory = scratchDirectory();
  const disk = diskCopy(directory);
  afterAll(() => remove(directory));
  const init = "/usr/local/bin/wrenn-init";
  linkOn(disk, init, "mote");
  const verbatim = [
    "reboot=k", "pci=off", "quiet", "loglevel=1", "clocksource=kvm-clock", `init=${init}`,
    "ip=169.254.0.21::169.254.0.22:255.255.255.252:capsule:eth0:off",
  ];
  const subnet = {
    guest: "169.254.0.21",
    options: ",net=169.254.0.20/30,host=169.254.0.22,dhcpstart=169.254.0.21,dns=169.254.0.23",
  };
  const at = booted(() => ({
    initramfs: diskLoader(init, "rw"),
    machine: microvm,
    disks: [disk],
    subnet,
    // Beside what Wrenn says: a way in for these tests.
    parameters: [...verbatim, `mote.listen=tcp:0.0.0.0:${guestPort}`],
  }));

  test("L208: the host name", async () => {
    expect(await at().output("hostname")).toBe("capsule\n");
  });

  test("L208: /tmp is a tmpfs", async () => {
    const mounts = parseMounts(await at().file("/proc/1/mountinfo"));
    expect(mounts.filter(({ target }) => target === "/tmp").map(({ type }) => type)).toEqual(["tmpfs"]);
  });

  test("L208: the run directory", async () => {
    expect(await at().file("/run/wrenn/.WRENN_SANDBOX")).toMatch(/^true\n?$/);
  });

  test("L208: the address and the route", async () => {
    expect(await at().output("ip -4 -o addr show eth0")).toContain("inet 169.254.0.21/30 ");
    expect(await at().output("ip route show default")).toContain("default via 169.254.0.22 dev eth0");
  });

  test("L208: reboot=k: it ends, and QEMU with it", async () => {
    await at().client.open({ op: "run", v: 1, shell: "raw", cmd: "kill -TERM 1" });
    expect(await at().guest.ending()).toBe(0);
  });
});
