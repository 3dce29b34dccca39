// ext4 disks of guests, looked at from outside with e2fsprogs: nothing is mounted here.

import { expect } from "bun:test";

function tool(program: string, ...words: string[]): { code: number; text: string; output: Buffer } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...words], {
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
  });
  return { code: exitCode, text: `${stdout.toString()}${stderr.toString()}`, output: stdout };
}

/** Makes an empty file system of some megabytes. */
export function makeDisk(path: string, megabytes: number): void {
  const { code, text } = tool("mke2fs", "-q", "-F", "-t", "ext4", path, `${megabytes}M`);
  if (code !== 0) throw new Error(`mke2fs: ${text}`);
}

/** Removes a directory. */
export function removeDirectory(path: string, directory: string): void {
  const { text } = tool("debugfs", "-w", "-R", `rmdir ${directory}`, path);
  if (tool("debugfs", "-R", `stat ${directory}`, path).text.includes("Inode:")) throw new Error(`debugfs: ${text}`);
}

/** Makes a symbolic link. */
export function linkOn(path: string, link: string, target: string): void {
  const { text } = tool("debugfs", "-w", "-R", `symlink ${link} ${target}`, path);
  if (!tool("debugfs", "-R", `stat ${link}`, path).text.includes("Type: symlink")) throw new Error(`debugfs: ${text}`);
}

/** The content of a file. */
export function fileOn(path: string, file: string): Buffer {
  return tool("debugfs", "-R", `cat ${file}`, path).output;
}

/** Expects a file system without an error whose journal has nothing to recover. */
export function expectClean(path: string): void {
  const head = tool("dumpe2fs", "-h", path).text;
  expect(head).toMatch(/^Filesystem state:\s+clean$/m);
  expect(head).not.toContain("needs_recovery");
  expect(tool("e2fsck", "-f", "-n", path)).toMatchObject({ code: 0 });
}
