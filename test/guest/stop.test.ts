// How a guest ends: by which call, and in which state it leaves processes and disks.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";
import { booted, network } from "./booted.ts";
import { expectClean, fileOn, makeDisk, removeDirectory } from "./disk.ts";
import { hangLimit } from "./guest.ts";
import { agentImage, diskCopy, diskLoader, usualInitramfs, withModules } from "./images.ts";

setDefaultTimeout(hangLimit);

const directory = scratchDirectory();
const root = diskCopy(directory);
const second = join(directory, "second.ext4");
const readOnly = join(directory, "read-only.ext4");
beforeAll(() => {
  makeDisk(second, 16);
  Bun.spawnSync(["cp", root, readOnly]);
  removeDirectory(readOnly, "/run");
});
afterAll(() => remove(directory));

describe("a root on ext4, reboot=k", () => {
  const parameters = [...network, "reboot=k"];
  const at = booted(() => ({ initramfs: diskLoader("/init", "rw"), disks: [root], parameters }));

  test("L203: it boots behind an initramfs that loads the modules", async () => {
    expect(await at().output("stat -f -c %T /")).toBe("ext2/ext3\n");
  });

  test("L065: it ends by a reboot, QEMU with 0", async () => {
    await at().output("seq 200000 >/data");
    await at().client.open({ op: "run", v: 1, shell: "raw", cmd: "kill -TERM 1" });
    expect(await at().guest.ending()).toBe(0);
    expect(at().guest.console.matching(/reboot: Restarting system/).length).toBe(1);
  });

  test("L065: what was written is there, the file system clean", () => {
    const lines = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`);
    expect(fileOn(root, "/data").equals(Buffer.from(lines.join("")))).toBe(true);
    expectClean(root);
  });
});

describe("the same root again, with a second disk", () => {
  const at = booted(() => ({ initramfs: diskLoader("/init", "rw"), disks: [root, second], parameters: network }));

  test("L016: /etc/hosts has the host name once", async () => {
    expect(await at().output("grep -cw box /etc/hosts")).toBe("1\n");
  });

  test("L073: a disk that is written to until the end is unmounted after the writer was killed", async () => {
    const writer = `trap '' TERM; while :; do echo line >>/mnt/file; done`;
    await at().output(`mkdir -p /mnt && mount -t ext4 /dev/vdb /mnt && (setsid sh -c "${writer}" >/dev/null 2>&1 &)`);
    await at().output("while [ ! -s /mnt/file ]; do :; done");
    await at().client.open({ op: "run", v: 1, shell: "raw", cmd: "poweroff" });
    expect(await at().guest.ending()).toBe(0);
    expectClean(second);
    expect(fileOn(second, "/file").toString()).toMatch(/^(line\n)+$/);
    expectClean(root);
  });
});

describe("a root that is read-only and has no /run", () => {
  const parameters = [...network, "ro"];
  const at = booted(() => ({ initramfs: diskLoader("/init", "ro"), disks: [readOnly], parameters }));

  test("L008: that mount is left out, with a line in the log, and the rest is there", async () => {
    const targets = (await at().file("/proc/1/mountinfo")).split("\n").map((line) => line.split(" ")[4]);
    expect(targets).not.toContain("/run");
    expect(targets).toEqual(expect.arrayContaining(["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm"]));
    await at().guest.console.line(/mote: .*\/run: /);
    expect(at().guest.console.logged(/\/run: /).length).toBe(1);
    expect((await at().client.run("touch /file")).object.exit_code).toBe(1);
  });

  test("it ends in order", async () => {
    await at().guest.pressCtrlAltDelete();
    expect(await at().guest.ending()).toBe(0);
  });
});

describe("ACPI, no reboot=", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters: network, endsAtReboot: false }));

  test("L068: ctrl-alt-del is an orderly stop: a command's trap for SIGTERM runs", async () => {
    const trap = "trap 'echo the trap ran >/dev/console; exit' TERM";
    const script = `${trap}; echo armed >/dev/console; while :; do sleep 1; done`;
    await at().output(`(setsid sh -c "${script}" >/dev/null 2>&1 &)`);
    await at().guest.console.line(/armed/);
    await at().guest.pressCtrlAltDelete();
    await at().guest.console.line(/the trap ran/);
  });

  test("L066: it ends by power off, QEMU with 0", async () => {
    expect(await at().guest.ending()).toBe(0);
    expect(at().guest.console.matching(/reboot: Power down/).length).toBe(1);
  });
});

describe("acpi=off", () => {
  const at = booted(() => ({ initramfs: [agentImage(), withModules()], parameters: [...network, "acpi=off"] }));

  test("L067: it ends by a reboot, QEMU with 0", async () => {
    await at().client.ping();
    await at().guest.pressCtrlAltDelete();
    expect(await at().guest.ending()).toBe(0);
    expect(at().guest.console.matching(/reboot: Restarting system/).length).toBe(1);
  });
});
