// The few system calls that a host of the agent makes and Bun has no name for.

import { dlopen, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
});

const family = { unix: 1, vsock: 40 } as const;
const stream = 1;

/** The CID of the machine itself. */
const loopbackCid = 1;

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed`);
  return result;
}

/** A listening Unix socket's descriptor. */
export function listenUnix(path: string, backlog = 128): number {
  const name = Buffer.from(path);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(family.unix, 0);
  name.copy(address, 2);
  const fd = check("socket", libc.socket(family.unix, stream, 0));
  check("bind", libc.bind(fd, ptr(address), 2 + name.length + 1));
  check("listen", libc.listen(fd, backlog));
  return fd;
}

/** Two descriptors connected to each other. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  check("socketpair", libc.socketpair(family.unix, stream, 0, ptr(pair)));
  return [pair[0] ?? -1, pair[1] ?? -1];
}

function vsockAddress(cid: number, port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(family.vsock, 0);
  address.writeUInt32LE(port, 4);
  address.writeUInt32LE(cid, 8);
  return address;
}

/** A descriptor connected to the port on this machine; undefined where nothing answers there. */
export function connectVsock(port: number): number | undefined {
  const fd = check("socket", libc.socket(family.vsock, stream, 0));
  if (libc.connect(fd, ptr(vsockAddress(loopbackCid, port)), 16) < 0) return undefined;
  libc.fcntl(fd, 4 /* F_SETFL */, 0o4000 /* O_NONBLOCK */);
  return fd;
}

/** Whether this kernel carries AF_VSOCK from the machine to itself (module vsock_loopback). */
export function hasVsockLoopback(): boolean {
  const port = 40_000 + (process.pid % 10_000);
  const listener = libc.socket(family.vsock, stream, 0);
  if (listener < 0) return false;
  check("bind", libc.bind(listener, ptr(vsockAddress(0xffff_ffff, port)), 16));
  check("listen", libc.listen(listener, 1));
  return connectVsock(port) !== undefined;
}

/** Whether this kernel knows AF_VSOCK at all. */
export function hasVsock(): boolean {
  return libc.socket(family.vsock, stream, 0) >= 0;
}
