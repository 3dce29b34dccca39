// A FUSE file system with an empty directory, mounted for as long as this program runs. usage: bun fuse.ts DIRECTORY
// Kernel interface of linux/fuse.h: a head of 40 bytes before each request, one of 16 before each answer.

import { closeSync, openSync, readSync, writeSync } from "node:fs";

const [directory = ""] = process.argv.slice(2);
const fd = openSync("/dev/fuse", "r+");
const data = "fd=3,rootmode=40000,user_id=0,group_id=0";
const { exitCode, stderr } = Bun.spawnSync(["mount", "-i", "-t", "fuse", "-o", data, "fuse", directory], { stdio: ["ignore", "ignore", "pipe", fd] });
if (exitCode !== 0) throw new Error(stderr.toString());

const enum Opcode {
  GETATTR = 3,
  STATFS = 17,
  INIT = 26,
}

/** The body of an answer; undefined for what is not implemented. */
function answer(opcode: number): Buffer | undefined {
  switch (opcode) {
    case Opcode.INIT: {
      const init = Buffer.alloc(64);
      init.writeUInt32LE(7, 0);
      init.writeUInt32LE(31, 4);
      init.writeUInt32LE(4096, 20);
      return init;
    }
    case Opcode.GETATTR: {
      const attributes = Buffer.alloc(104);
      attributes.writeBigUInt64LE(1n, 16);
      attributes.writeUInt32LE(0o40755, 76);
      attributes.writeUInt32LE(2, 80);
      return attributes;
    }
    case Opcode.STATFS:
      return Buffer.alloc(80);
    default:
      return undefined;
  }
}

const request = Buffer.alloc(1 << 17);
for (;;) {
  let length = 0;
  try {
    length = readSync(fd, request);
  } catch {
    break; // unmounted
  }
  if (length < 40) break;
  const opcode = request.readUInt32LE(4);
  const body = answer(opcode);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + (body?.length ?? 0), 0);
  head.writeInt32LE(body === undefined ? -38 : 0, 4);
  request.copy(head, 8, 8, 16);
  writeSync(fd, Buffer.concat(body === undefined ? [head] : [head, body]));
}
closeSync(fd);
