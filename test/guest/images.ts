// What guests boot: the images that images/build.sh makes, and what tests lay over them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Archive } from "./cpio.ts";
import { arch, everyModule, moduleFile, modulePath, modules, prepared, release } from "./machine.ts";

/** The agent's own path in every image. */
export const agentPath = "/usr/local/bin/mote";

/** An archive that is read once. */
function part(name: string): () => Buffer {
  let bytes: Buffer | undefined;
  return () => (bytes ??= readFileSync(prepared(name)));
}

/** The agent alone. */
export const agentImage = part(`agent-${arch}.cpio.gz`);

/** The agent and a shell. */
export const busyboxImage = part(`busybox-${arch}.cpio.gz`);

const suiteProgram = part("suite");
const motectlProgram = part("motectl");

/** Every module, where the agent looks for them, and nothing that lists them: so are a kernel's packages. */
export function withModules(): Buffer {
  const archive = new Archive();
  for (const name of everyModule) archive.file(`/lib/modules/${release}/${modulePath(name)}`, moduleFile(name));
  return archive.bytes();
}

/** motectl and the suite. */
export function programs(): Buffer {
  return new Archive().program("/test/motectl", motectlProgram()).program("/test/suite", suiteProgram()).bytes();
}

/** A shell alone, for an image that has none. */
export function shell(): Buffer {
  return new Archive().program("/bin/sh", readFileSync(prepared("sh"))).bytes();
}

/** A guest that can do all: busybox, modules, motectl and the suite. */
export function usualInitramfs(): Buffer[] {
  return [busyboxImage(), withModules(), programs()];
}

/** Where `loader` has its modules: not where the agent looks. */
export const loaderModules = "/test/modules";

/**
 * A shell script as the first program, which loads modules, in this order, before its last lines go on. All modules are
 * at `loaderModules`.
 */
export function loader(names: readonly string[], lastLines: string): Buffer {
  const load = names.map((name) => `insmod ${loaderModules}/${name}.ko`);
  const archive = new Archive();
  for (const name of everyModule) archive.file(`${loaderModules}/${name}.ko`, moduleFile(name));
  const script = ["#!/bin/sh", "export PATH=/bin:/sbin:/usr/bin:/usr/sbin", ...load, lastLines];
  return archive.program("/init", `${script.join("\n")}\n`).bytes();
}

/**
 * An initramfs that only leads to the root on /dev/vda, whose `init` is the first program from then on. The kernel's
 * modules are loaded, and not in that root. Commands, if any, run before that, with the root at /newroot.
 */
export function diskLoader(init: string, mode: "ro" | "rw", commands: readonly string[] = []): Buffer[] {
  const lines = [
    "mount -t devtmpfs dev /dev",
    "mkdir /newroot",
    `mount -t ext4 -o ${mode} /dev/vda /newroot || exec poweroff -f`,
    ...commands,
    "umount /dev",
    `exec switch_root /newroot ${init}`,
  ];
  const names = [...modules.virtio, ...modules.disk, ...modules.net, ...modules.vsock, ...modules.loopback];
  return [busyboxImage(), loader(names, lines.join("\n"))];
}

/** A copy of an image as a disk, for a test to change; of the busybox image where none is named. */
export function diskCopy(directory: string, image = `busybox-${arch}.ext4`): string {
  const path = join(directory, "root.ext4");
  Bun.spawnSync(["cp", "--sparse=always", prepared(image), path]);
  return path;
}
