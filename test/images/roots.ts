// Root file systems to bake into: small, made of what a test names, as a directory or as an ext4 image of it.

import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { elf } from "./elf.ts";
import { ext4, type Listing, tree } from "./listing.ts";
import { succeed } from "./scripts.ts";

/** By path: a file's bytes, `{ link }` or `{ directory: true }`. Directories above are made. */
export type Content = Readonly<Record<string, string | Uint8Array | { link: string } | { directory: true }>>;

/** A root of an x86_64 distribution without an init. */
export const plain: Content = { "bin/sh": elf(), "etc/hosts": "" };
export const systemd: Content = {
  "usr/bin/sh": elf(),
  bin: { link: "usr/bin" },
  sbin: { link: "usr/sbin" },
  lib: { link: "usr/lib" },
  "usr/lib/systemd/systemd": elf(),
  "usr/sbin/init": { link: "/lib/systemd/systemd" },
};
export const openrc: Content = {
  "bin/busybox": elf(),
  "bin/sh": { link: "/bin/busybox" },
  "sbin/init": { link: "/bin/busybox" },
  "sbin/openrc-run": elf(),
  "etc/init.d/hostname": "#!/sbin/openrc-run\n",
  "etc/runlevels/default": { directory: true },
};

export function makeDirectory(root: string, content: Content): string {
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  for (const [name, what] of Object.entries(content)) {
    const path = join(root, name);
    if (typeof what === "object" && "directory" in what) {
      mkdirSync(path, { recursive: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    if (typeof what === "object" && "link" in what) symlinkSync(what.link, path);
    else writeFileSync(path, what, { mode: 0o755 });
  }
  return root;
}

/** An image of 8 MiB of the directory's content, with mke2fs's options for a small file system of today. */
export async function makeImage(path: string, content: Content, ...options: string[]): Promise<string> {
  const source = makeDirectory(`${path}.source`, content);
  writeFileSync(path, "");
  truncateSync(path, 8 * 1024 * 1024);
  await succeed(["mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", source, ...options, path]);
  return path;
}

export interface Kind {
  readonly name: string;
  make(path: string, content: Content): Promise<string>;
  list(path: string): Promise<Listing>;
}

/** The two kinds of root that bake.sh takes. */
export const kinds: readonly Kind[] = [
  {
    name: "a directory",
    make: (path, content) => Promise.resolve(makeDirectory(path, content)),
    list: (path) => Promise.resolve(tree(path)),
  },
  { name: "an ext4 image", make: (path, content) => makeImage(path, content), list: ext4 },
];
