// What the agent as PID 1 makes of a machine before it serves. The ids are those of the specification's table.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { booted, listening, network } from "./booted.ts";
import { Archive } from "./cpio.ts";
import { hangLimit } from "./guest.ts";
import { agentImage, agentPath, busyboxImage, loader, usualInitramfs, withModules } from "./images.ts";
import { agentBinary, everyModule, usual, withoutRandomness, type Machine } from "./machine.ts";
import { parseMounts } from "./mounts.ts";

setDefaultTimeout(hangLimit);

/** What the specification wants mounted: type, flags, options. */
const wanted: Record<string, [type: string, flags: string[], options: string[]]> = {
  "/proc": ["proc", ["nosuid", "nodev", "noexec"], []],
  "/sys": ["sysfs", ["nosuid", "nodev", "noexec"], []],
  "/dev": ["devtmpfs", ["nosuid"], ["mode=755"]],
  "/dev/pts": ["devpts", ["nosuid", "noexec"], ["gid=5", "mode=620", "ptmxmode=666"]],
  "/dev/shm": ["tmpfs", ["nosuid", "nodev"], []],
  "/run": ["tmpfs", ["nosuid", "nodev"], ["mode=755"]],
  "/sys/fs/cgroup": ["cgroup2", ["nosuid", "nodev", "noexec"], ["nsdelegate", "memory_recursiveprot"]],
};
const restrictions = ["nosuid", "nodev", "noexec"];

describe("the agent alone", () => {
  const parameters = [...network, "splash", "foo=bar", "-x"];
  const at = booted(() => ({ initramfs: [agentImage(), withModules()], parameters }));

  test.each(Object.keys(wanted))("L001: %s is mounted once, as it should be", async (target) => {
    const mounts = parseMounts(await at().file("/proc/1/mountinfo")).filter((mount) => mount.target === target);
    const [type, flags, options] = wanted[target] ?? ["", [], []];
    expect(mounts.map((mount) => mount.type)).toEqual([type]);
    expect(mounts[0]?.flags.filter((flag) => restrictions.includes(flag)).sort()).toEqual([...flags].sort());
    expect(mounts[0]?.options).toEqual(expect.arrayContaining(options));
  });

  test("L001: nothing is mounted on /tmp", async () => {
    const mounts = parseMounts(await at().file("/proc/1/mountinfo"));
    expect(mounts.filter(({ target }) => target === "/tmp")).toEqual([]);
  });

  test("L007: words that the kernel does not know are no error", async () => {
    expect((await at().file("/proc/1/cmdline")).split("\0")).toContain("-x");
    await at().client.ping();
  });

  test("L201: it serves and stops in order", async () => {
    const { object } = await at().client.run("true");
    expect(object).toMatchObject({ ok: false, op: "error" });
    expect(object.error).toMatch(/^spawn failed: \[Errno 2\]/);
    await at().guest.pressCtrlAltDelete();
    expect(await at().guest.ending()).toBe(0);
  });
});

describe("busybox", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters: network }));

  test("the agent has nothing to complain of", async () => {
    // Raw lines begin with facility and level, of which the lowest three bits are the level: 4 is a warning.
    const entries = (await at().output("dmesg -r | grep '\\] mote: '")).trim().split("\n");
    const complaints = entries.filter((line) => (Number(/^<(\d+)>/.exec(line)?.[1]) & 7) <= 4);
    expect(complaints).toEqual([]);
    expect(entries.length).toBeGreaterThan(0);
  });

  test("the log, which was opened before /dev was mounted, is the one of that /dev, and the only one", async () => {
    const devices = `for fd in /proc/1/fd/*; do case $(readlink $fd) in *kmsg*) stat -Lc '%D %t' $fd;; esac; done; stat -c '%D %t' /dev/kmsg`;
    const [log, ...others] = (await at().output(devices)).trim().split("\n");
    expect(log).toEndWith(" 1");
    expect(others).toEqual([log ?? ""]);
  });

  test.each(["/dev/ptmx", "/dev/pts/ptmx"])("L004: an unprivileged user opens %s", async (path) => {
    const script = `exec 3<>${path}; stat -c '%a %g' /dev/pts/0`;
    expect(await at().output(`su -s /bin/sh nobody -c "${script}"`)).toBe("620 5\n");
  });

  test.each([
    ["/dev/fd", "/proc/self/fd"],
    ["/dev/stdin", "/proc/self/fd/0"],
    ["/dev/stdout", "/proc/self/fd/1"],
    ["/dev/stderr", "/proc/self/fd/2"],
  ])("L005: %s leads to %s", async (path, target) => {
    expect(await at().output(`readlink ${path}`)).toBe(`${target}\n`);
  });

  test("L005: a descriptor is read by its name", async () => {
    expect(await at().output("echo x | (exec 3<&0; cat /dev/fd/3)")).toBe("x\n");
  });

  test("L202: a terminal session", async () => {
    await at().output("telnetd -b 127.0.0.1 -p 2323 -l /bin/sh; mkfifo /tmp/typed");
    // Standard input stays open until the session ends.
    const session = "exec 3<>/tmp/typed; (echo tty; echo exit) >&3; nc 127.0.0.1 2323 <&3";
    expect(await at().output(session)).toContain("/dev/pts/");
  });
});

describe("an image with a console and no other device", () => {
  const image = (): Buffer => {
    const archive = new Archive().directory("/proc").directory("/dev").characterDevice("/dev/console", 0o600, 5, 1);
    return archive.program("/init", readFileSync(agentBinary)).bytes();
  };
  const at = booted(() => ({ initramfs: [image(), withModules()], parameters: network }));

  test("/dev is mounted before the log is opened", async () => {
    expect(at().guest.console.logged(/listening on tcp/).length).toBe(1);
    const mounts = parseMounts(await at().file("/proc/1/mountinfo")).filter(({ target }) => target === "/dev");
    expect(mounts.map(({ type }) => type)).toEqual(["devtmpfs"]);
  });
});

/** No serial driver takes part, and no console. */
const withoutConsole: Machine = { ...usual.x86_64, parameters: ["8250.nr_uarts=0"] };

describe("without a console, and without panic=", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), machine: withoutConsole, parameters: network }));

  test("L006: descriptors 0 to 2 of every process of the agent are there, and none is a socket", async () => {
    const links = "for pid in 1 $(pidof mote-worker); do for fd in 0 1 2; do readlink /proc/$pid/fd/$fd; done; done";
    const targets = (await at().output(links)).trim().split("\n");
    expect(targets.length).toBe(6);
    expect(targets.filter((target) => !target.startsWith("/"))).toEqual([]);
  });

  test("L092: a panic ends the machine all the same", async () => {
    expect(await at().file("/proc/sys/kernel/panic")).toBe("1\n");
  });
});

describe("with mote.tmp=tmpfs:16m", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters: [...network, "mote.tmp=tmpfs:16m"] }));

  test("L011: /tmp is a tmpfs of 16 MiB, mode 1777", async () => {
    const mounts = parseMounts(await at().file("/proc/1/mountinfo")).filter(({ target }) => target === "/tmp");
    expect(mounts.map(({ type }) => type)).toEqual(["tmpfs"]);
    expect(mounts[0]?.options).toContain("size=16384k");
    expect(await at().output("stat -c %a /tmp")).toBe("1777\n");
  });
});

describe("modules loaded already, and a CPU without RDRAND", () => {
  // What the tests before have their modules from is there too, so that the agent finds them and tries.
  const preload = loader(everyModule, `exec ${agentPath}`);
  const at = booted(() => ({
    initramfs: [busyboxImage(), withModules(), preload],
    machine: withoutRandomness,
    parameters: [...listening, "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off"],
  }));

  test("L012: a ping is answered while the kernel has no randomness yet", async () => {
    await at().client.ping();
    expect(at().guest.console.position(/listening on tcp/)).toBeGreaterThan(0);
    expect(at().guest.console.matching(/crng init done/)).toEqual([]);
  });

  test("L028: that they are there is no failure", () => {
    expect(at().guest.console.logged(/\.ko|modules?\b|EEXIST|File exists/)).toEqual([]);
  });
});
