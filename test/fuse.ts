// A FUSE file system that takes whatever is written and says only at the close that there was no room for it, as one over a
// network with quotas does; at first it is empty. This file is its server too: bun fuse.ts DIRECTORY.
// Kernel interface of linux/fuse.h: a head of 40 bytes before each request, one of 16 before each answer.

import { closeSync, openSync, readSync, writeSync } from "node:fs";

/**
 * Shell commands for the setup of a daemon that make a directory and mount one there. Its server keeps the mount namespace in
 * which it is mounted, and goes with the daemon.
 */
export function fuseAt(directory: string): string {
  const serve = `setpriv --pdeathsig KILL ${process.execPath} ${import.meta.path} ${directory}`;
  return `mkdir ${directory}; ${serve} & while ! grep -q ${directory} /proc/self/mounts; do sleep 0.01; done`;
}

const enum Opcode {
  LOOKUP = 1,
  FORGET = 2,
  GETATTR = 3,
  SETATTR = 4,
  UNLINK = 10,
  RENAME = 12,
  OPEN = 14,
  WRITE = 16,
  STATFS = 17,
  RELEASE = 18,
  FLUSH = 25,
  INIT = 26,
  CREATE = 35,
  BATCH_FORGET = 42,
}

const ROOT = 1n;
const HEAD_BYTES = 40;
const ENOENT = 2;
const ENOSYS = 38;
const EDQUOT = 122;

/** Numbers of the files by their names. */
const files = new Map<string, bigint>();
let latest = ROOT;

function attributes(node: bigint): Buffer {
  const bytes = Buffer.alloc(88);
  bytes.writeBigUInt64LE(node, 0);
  bytes.writeUInt32LE(node === ROOT ? 0o40755 : 0o100644, 60);
  bytes.writeUInt32LE(1, 64);
  return bytes;
}

function entry(node: bigint): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeBigUInt64LE(node, 0);
  return Buffer.concat([bytes, attributes(node)]);
}

function nameAt(request: Buffer, start: number): string {
  return request.toString("utf8", start, request.indexOf(0, start));
}

/** The body of an answer, or the errno; undefined where none is awaited. */
function answer(opcode: number, node: bigint, request: Buffer): Buffer | number | undefined {
  switch (opcode) {
    case Opcode.INIT: {
      const init = Buffer.alloc(64);
      init.writeUInt32LE(7, 0);
      init.writeUInt32LE(31, 4);
      init.writeUInt32LE(65_536, 20);
      return init;
    }
    case Opcode.FORGET:
    case Opcode.BATCH_FORGET:
      return undefined;
    case Opcode.LOOKUP: {
      const found = files.get(nameAt(request, HEAD_BYTES));
      return found === undefined ? ENOENT : entry(found);
    }
    case Opcode.GETATTR:
    case Opcode.SETATTR:
      return Buffer.concat([Buffer.alloc(16), attributes(node)]);
    case Opcode.CREATE:
      latest += 1n;
      files.set(nameAt(request, HEAD_BYTES + 16), latest);
      return Buffer.concat([entry(latest), Buffer.alloc(16)]);
    case Opcode.UNLINK:
      files.delete(nameAt(request, HEAD_BYTES));
      return Buffer.alloc(0);
    case Opcode.RENAME: {
      const from = nameAt(request, HEAD_BYTES + 8);
      files.set(nameAt(request, HEAD_BYTES + 9 + from.length), files.get(from) ?? ROOT);
      files.delete(from);
      return Buffer.alloc(0);
    }
    case Opcode.OPEN:
      return Buffer.alloc(16);
    case Opcode.WRITE: {
      const written = Buffer.alloc(8);
      written.writeUInt32LE(request.readUInt32LE(HEAD_BYTES + 16), 0);
      return written;
    }
    case Opcode.STATFS:
      return Buffer.alloc(80);
    case Opcode.RELEASE:
      return Buffer.alloc(0);
    case Opcode.FLUSH:
      return EDQUOT;
    default:
      return ENOSYS;
  }
}

/** Serves until it is unmounted. */
function serve(directory: string): void {
  const fd = openSync("/dev/fuse", "r+");
  const data = "fd=3,rootmode=40000,user_id=0,group_id=0";
  const { exitCode, stderr } = Bun.spawnSync(["mount", "-i", "-t", "fuse", "-o", data, "fuse", directory], { stdio: ["ignore", "ignore", "pipe", fd] });
  if (exitCode !== 0) throw new Error(stderr.toString());
  const request = Buffer.alloc(1 << 18);
  for (;;) {
    let length = 0;
    try {
      length = readSync(fd, request);
    } catch {
      break; // unmounted
    }
    if (length < HEAD_BYTES) break;
    const body = answer(request.readUInt32LE(4), request.readBigUInt64LE(16), request);
    if (body === undefined) continue;
    const content = typeof body === "number" ? Buffer.alloc(0) : body;
    const head = Buffer.alloc(16);
    head.writeUInt32LE(16 + content.length, 0);
    head.writeInt32LE(typeof body === "number" ? -body : 0, 4);
    request.copy(head, 8, 8, 16);
    writeSync(fd, Buffer.concat([head, content]));
  }
  closeSync(fd);
}

if (import.meta.main) serve(process.argv.at(2) ?? "");
