// The systems whose boots are compared: what each is started from, in one and the same machine.

import { readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Archive } from "../../test/guest/cpio.ts";
import { guestPort, type GuestOptions } from "../../test/guest/guest.ts";
import { agentImage, agentPath, busyboxImage, diskLoader } from "../../test/guest/images.ts";
import type { Machine } from "../../test/guest/machine.ts";

const directory = "build/bench/boot";
const megabytes = 512;
const disk = `${directory}/debian-systemd-x86_64.ext4`;

/** A guest's clock goes on while its emulator waits for a CPU: others are to wait instead, where we may say so. */
const urgently = process.getuid?.() === 0 ? ["nice", "-n", "-20"] : [];

/** Nothing of the kernel's log goes over the serial line, which would be what is measured. The disk stays as it is. */
function machine(extra: readonly string[]): Machine {
  return {
    qemu: [...urgently, "qemu-system-x86_64", "-M", "pc", "-cpu", "max", "-snapshot", ...extra],
    bus: "pci",
    parameters: ["console=ttyS0", "panic=1", "loglevel=1"],
  };
}

/** QEMU's options for a clock that counts instructions, a nanosecond each, whatever the machine below does. */
export const countingInstructions = ["-icount", "shift=0,sleep=off"] as const;

function program(name: string): Buffer {
  return readFileSync(`${directory}/${name}`);
}

/** The C floor as the first program. */
function floorArchive(): Archive {
  const devices = new Archive().characterDevice("/dev/console", 0o600, 5, 1).characterDevice("/dev/kmsg", 0o600, 1, 11);
  return devices.directory("/proc").program("/init", program("init"));
}

const listen = `mote.listen=tcp:0.0.0.0:${guestPort}`;

/** A boot whose log is told on the console once something listens: the floor, or the agent, as PID 1. */
export function telling(what: "floor" | "agent", extra: readonly string[] = []): GuestOptions {
  const teller = new Archive().program("/bin/sh", program("tell")).bytes();
  const image = what === "floor" ? floorArchive().bytes() : agentImage();
  // The agent starts commands when it listens and the network is up.
  const parameters = [listen, "mote.loglevel=info", "mote.exec=tell"];
  return { initramfs: [image, teller], machine: machine(extra), parameters, memory: megabytes, disks: [disk] };
}

export interface System {
  readonly name: string;
  /** What the image weighs, in words. */
  readonly size: string;
  /** Boots in a round's place: a slow one is booted less often. */
  readonly share: number;
  readonly options: GuestOptions;
}

/** What busybox's init does before it starts the last line. */
const inittab = (service: string): string =>
  [
    "::sysinit:/bin/mount -t proc proc /proc",
    "::sysinit:/bin/mount -t sysfs sysfs /sys",
    "::sysinit:/bin/mount -t devtmpfs devtmpfs /dev",
    "::sysinit:/bin/mount -t tmpfs tmpfs /run",
    "::sysinit:/sbin/ifconfig lo up",
    `::respawn:${service}`,
    "",
  ].join("\n");

const busyboxInit = (service: string): Archive =>
  new Archive().symlink("/init", "bin/busybox").file("/etc/inittab", inittab(service));

const bytes = (count: number): string => `${Math.round(count / 1000).toLocaleString("en-US")} kB`;

function system(name: string, size: string, initramfs: readonly Uint8Array[], share = 1): System {
  const prober = new Archive().program("/probe", program("probe")).bytes();
  const parameters = ["rdinit=/probe", listen];
  const machines = { machine: machine([]), memory: megabytes, disks: [disk] };
  return { name, size, share, options: { initramfs: [...initramfs, prober], parameters, ...machines } };
}

/** Every system, the lightest first. */
export function systems(): System[] {
  const floor = floorArchive().bytes();
  const bare = program("bare.cpio.gz");
  const besides = busyboxInit(`${agentPath} --log error --listen tcp:0.0.0.0:${guestPort}`).bytes();
  const alone = busyboxInit("/floor").program("/floor", program("init")).bytes();
  const used = statSync(disk).blocks * 512;
  return [
    system("C init alone", bytes(gzipSync(floor).length), [floor]),
    system("agent as PID 1", bytes(agentImage().length), [agentImage()]),
    system("busybox init alone", bytes(bare.length + alone.length), [bare, alone]),
    system("busybox init, agent", bytes(busyboxImage().length + besides.length), [busyboxImage(), besides]),
    system("Debian, systemd, agent", `${bytes(used)} on disk`, diskLoader("/sbin/init", "rw"), 0.25),
  ];
}
