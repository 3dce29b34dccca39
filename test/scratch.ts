// Temporary directories and file systems of a test, and what is in them.

import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory, its path free of symlinks. */
export function scratchDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "mote-test-")));
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** The agent's upload temporaries in a directory. */
export function temporaries(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith(".smolvm-put-"));
}

/** Mounts a tmpfs for the time of `body`; `options` as in mount(8), such as `size=1m`. */
export async function withTmpfs(
  directory: string,
  options: string,
  body: (remount: (options: string) => void) => Promise<void>,
): Promise<void> {
  mount(directory, options);
  try {
    await body((changed) => mount(directory, `remount,${changed}`));
  } finally {
    Bun.spawnSync(["umount", "--lazy", directory]);
  }
}

function mount(directory: string, options: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory]);
  if (exitCode === 0) return;
  throw new Error(`This test mounts a tmpfs, which needs root in a machine that permits it: ${stderr.toString()}`);
}

/** Bytes that look random and depend on the seed alone (xorshift32, a word at a time). */
export function noise(length: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

export function makeFifo(path: string): void {
  Bun.spawnSync(["mkfifo", path]);
}

/** Writes a line into a FIFO once somebody reads it. */
export async function writeFifo(path: string, line: string): Promise<void> {
  await Bun.spawn(["sh", "-c", 'echo "$2" >"$1"', "sh", path, line]).exited;
}
