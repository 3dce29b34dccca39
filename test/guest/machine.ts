// The machines that guests run on: QEMU's emulation, Debian's cloud kernel and its modules. test/guest.sh has put both
// kernels into build/guest/.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Arch = "x86_64" | "aarch64";

export interface Machine {
  readonly qemu: readonly string[];
  /** How virtio devices are attached. */
  readonly bus: "pci" | "device";
  /** Kernel parameters that every boot has. `panic`: the kernel's own choice is to hang for ever. */
  readonly parameters: readonly string[];
}

const root = join(import.meta.dir, "../..");

/** The architecture under test: MOTE_HOST, as for the other suites. */
export const arch: Arch = process.env.MOTE_HOST === "aarch64" ? "aarch64" : "x86_64";

/**
 * What Firecracker resembles: no PCI, virtio over MMIO, no firmware to speak of. It has no second clock to measure the
 * first by, which fails where QEMU gets too little of the processor: so its clocks count instructions.
 */
export const microvm: Machine = {
  qemu: ["qemu-system-x86_64", "-M", "microvm", "-cpu", "max", "-icount", "shift=2"],
  bus: "device",
  parameters: ["console=ttyS0", "panic=1"],
};

/** A machine whose random number generator takes its time: the CPU has no instruction for it. */
export const withoutRandomness: Machine = {
  qemu: ["qemu-system-x86_64", "-M", "pc", "-cpu", "qemu64"],
  bus: "pci",
  parameters: ["console=ttyS0", "panic=1"],
};

/** The usual machine of an architecture. The default x86 CPU has no RDRAND, this one has. */
export const usual: Readonly<Record<Arch, Machine>> = {
  x86_64: {
    qemu: ["qemu-system-x86_64", "-M", "pc", "-cpu", "max"],
    bus: "pci",
    parameters: ["console=ttyS0", "panic=1"],
  },
  aarch64: {
    qemu: ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57"],
    bus: "pci",
    parameters: ["console=ttyAMA0", "panic=1"],
  },
};

/** The agent's binary. */
export const agentBinary = join(root, `dist/mote-${arch}`);

/** A file that test/guest.sh has made for the architecture under test. */
export function prepared(name: string): string {
  const path = join(root, "build/guest", arch, name);
  if (!existsSync(path)) throw new Error(`${path} is missing; ./test/guest.sh makes it.`);
  return path;
}

/** The release of the kernel, as uname(2) says it. */
export const release = readFileSync(prepared("release"), "utf8").trim();

/** Modules in the order in which each finds what it needs loaded. */
export const modules = {
  vsock: ["vsock"],
  loopback: ["vmw_vsock_virtio_transport_common", "vsock_loopback"],
  virtio: ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_mmio"],
  /** To the host; over virtio, and so after it. */
  transport: ["vmw_vsock_virtio_transport"],
  net: ["failover", "net_failover", "virtio_net"],
  disk: ["virtio_blk"],
  random: ["virtio-rng"],
} as const;

/** Every module that a guest may need. */
export const everyModule: readonly string[] = [...new Set(Object.values(modules).flat())];

const paths = readFileSync(prepared("modules/list"), "utf8").trim().split("\n");

/** The path of a module below its kernel's directory. */
export function modulePath(name: string): string {
  const path = paths.find((candidate) => candidate.endsWith(`/${name}.ko`));
  if (path === undefined) throw new Error(`the kernel has no module ${name}`);
  return path;
}

/** A module's bytes. */
export function moduleFile(name: string): Buffer {
  return readFileSync(prepared(`modules/${modulePath(name)}`));
}
