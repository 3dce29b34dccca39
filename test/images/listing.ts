// What is in a root file system: the same listing for an initramfs, an ext4 image and a directory.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory, sha256 } from "../scratch.ts";
import { succeed } from "./scripts.ts";

export interface Entry {
  readonly kind: "directory" | "file" | "link" | "device";
  /** Permissions, with the set-id and sticky bits. */
  readonly mode: number;
  /** `user:group`, numeric. */
  readonly owner: string;
  /** Seconds since 1970: the time of modification, and in ext4 the other three where they differ from it. */
  readonly times: ReadonlySet<number>;
  /** A file's sum, a link's target, a device's `major:minor`. */
  readonly content: string;
}

/** By path, without a slash at its beginning. */
export type Listing = ReadonlyMap<string, Entry>;

const kinds: Readonly<Record<number, Entry["kind"]>> = {
  0o04: "directory",
  0o10: "file",
  0o12: "link",
  0o02: "device",
};

function kindOf(mode: number): Entry["kind"] {
  const kind = kinds[mode >> 12];
  if (kind === undefined) throw new Error(`a file of mode ${mode.toString(8)}`);
  return kind;
}

const aligned = (offset: number): number => (offset + 3) & ~3;

/** A gzipped newc archive, read as the kernel reads it. */
export function initramfs(path: string): Listing {
  const bytes = Buffer.from(Bun.gunzipSync(readFileSync(path)));
  const listing = new Map<string, Entry>();
  const inodes = new Set<number>();
  let at = 0;
  for (;;) {
    if (bytes.toString("latin1", at, at + 6) !== "070701") throw new Error(`no newc header at ${at}`);
    const header = bytes.toString("latin1", at + 6, at + 110);
    const field = (index: number): number => Number.parseInt(header.slice(index * 8, index * 8 + 8), 16);
    const [inode, mode, size, nameSize] = [field(0), field(1), field(6), field(11)];
    const name = bytes.toString("utf8", at + 110, at + 110 + nameSize - 1);
    if (bytes[at + 110 + nameSize - 1] !== 0) throw new Error(`${name}: its name does not end with a zero`);
    const start = aligned(at + 110 + nameSize);
    at = aligned(start + size);
    if (name === "TRAILER!!!") break;
    if (inodes.has(inode)) throw new Error(`${name}: inode ${inode} again`);
    inodes.add(inode);
    const kind = kindOf(mode);
    const data = bytes.subarray(start, start + size);
    const device = `${field(9)}:${field(10)}`;
    listing.set(name, {
      kind,
      mode: mode & 0o7777,
      owner: `${field(2)}:${field(3)}`,
      times: new Set([field(5)]),
      content: { directory: "", file: sha256(data), link: data.toString(), device }[kind],
    });
  }
  if (bytes.subarray(at).some((byte) => byte !== 0)) throw new Error("bytes after the archive's end");
  return listing;
}

function walk(directory: string, prefix: string, listing: Map<string, Entry>): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const about = lstatSync(path);
    const kind = kindOf(about.mode);
    const content = {
      directory: () => "",
      file: () => sha256(readFileSync(path)),
      link: () => readlinkSync(path),
      device: () => `${about.rdev >> 8}:${about.rdev & 0xff}`, // numbers below 256
    };
    listing.set(prefix + name, {
      kind,
      mode: about.mode & 0o7777,
      owner: `${about.uid}:${about.gid}`,
      times: new Set([about.mtimeMs / 1000]),
      content: content[kind](),
    });
    if (kind === "directory") walk(path, `${prefix}${name}/`, listing);
  }
}

/** A directory. */
export function tree(directory: string): Listing {
  const listing = new Map<string, Entry>();
  walk(directory, "", listing);
  return listing;
}

/** What debugfs answers to each of these commands. */
async function debugfs(image: string, commands: readonly string[]): Promise<string[]> {
  const child = Bun.spawn(["debugfs", "-f", "-", image], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  child.stdin.write(`${commands.join("\n")}\n`);
  child.stdin.end();
  const answers = (await child.stdout.text()).split(/^debugfs: .*\n/m).slice(1);
  if (answers.length !== commands.length) throw new Error(`${image}: not every command was answered`);
  return answers;
}

const quoted = (path: string): string => `"/${path.replaceAll('"', '""')}"`;

/** Every path of an image, breadth first. */
async function paths(image: string): Promise<string[]> {
  const found: string[] = [];
  let directories = [""];
  while (directories.length > 0) {
    const answers = await debugfs(image, directories.map((path) => `ls -p ${quoted(path)}`));
    const below: string[] = [];
    answers.forEach((answer, index) => {
      for (const line of answer.split("\n")) {
        const [, inode, mode = "", , , name = ""] = line.split("/");
        if (inode === undefined || inode === "0" || name === "." || name === "..") continue;
        const path = join(directories[index] ?? "", name);
        found.push(path);
        if (kindOf(Number.parseInt(mode, 8)) === "directory") below.push(path);
      }
    });
    directories = below;
  }
  return found;
}

const types: Readonly<Record<string, Entry["kind"]>> = {
  directory: "directory",
  regular: "file",
  symlink: "link",
  "character special": "device",
};

function match(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no ${pattern} in ${text}`);
  return found;
}

/** An ext4 image, without its lost+found. */
export async function ext4(image: string): Promise<Listing> {
  const names = (await paths(image)).filter((path) => path !== "lost+found");
  const stats = await debugfs(image, names.map((path) => `stat ${quoted(path)}`));
  const copy = scratchDirectory();
  try {
    await succeed(["debugfs", "-R", `rdump / ${copy}`, image]);
    return new Map(names.map((path, index): [string, Entry] => {
      const about = stats[index] ?? "";
      const kind = types[match(about, /Type: (.*?) +Mode:/)];
      if (kind === undefined) throw new Error(`${path}: ${about}`);
      // Whole seconds: with others the line does not match.
      const time = (name: string): number =>
        Number.parseInt(match(about, new RegExp(`\\b${name}: 0x(\\w+):0{8} `)), 16);
      const content = {
        directory: () => "",
        file: () => sha256(readFileSync(join(copy, path))),
        link: () => readlinkSync(join(copy, path)),
        device: () => match(about, /major\/minor number: (\d+:\d+)/).replace(/\b0/g, ""),
      };
      return [path, {
        kind,
        mode: Number.parseInt(match(about, /Mode: *(\d+)/), 8),
        owner: `${match(about, /User: *(\d+)/)}:${match(about, /Group: *(\d+)/)}`,
        times: new Set(["atime", "ctime", "mtime", "crtime"].map(time)),
        content: content[kind](),
      }];
    }));
  } finally {
    remove(copy);
  }
}
