/** Stream sockets: listening, connecting, moving bytes. All are non-blocking unless said otherwise. */
import { addressOf, call, call6 } from "#libc";
import { type Address, Family } from "./address.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { close, lstat, unlink } from "./file.ts";

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_ERROR = 4;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const SO_SNDBUFFORCE = 32;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const MSG_PEEK = 2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;

const BACKLOG = 1024;
const PEER_SILENT_S = 30;
/** Of a path that is not ours: none has it. */
const NO_INODE = -2;

/** What a listening address turned into. The owner calls `close`. */
export class Listener {
  readonly address: Address;
  readonly fd: number;
  /** False for an inherited descriptor that is already a connection. */
  readonly accepts: boolean;
  /** The inode of a Unix socket's path, so that only our own is removed. */
  private readonly inode: number;

  private constructor(address: Address, fd: number, accepts: boolean, inode: number) {
    this.address = address;
    this.fd = fd;
    this.accepts = accepts;
    this.inode = inode;
  }

  /** Listens on an address; `backlog`: so many connections wait to be taken. Throws SysError or AddressError. */
  static open(address: Address, backlog = BACKLOG): Listener {
    if (address.family === Family.DESCRIPTOR) return Listener.inherit(address, address.port);
    const fd = openSocket(address, SOCK_NONBLOCK);
    try {
      const inode = address.family === Family.UNIX ? bindUnix(fd, address) : bindPort(fd, address);
      check(call(Call.listen, fd, backlog, 0), "listen", address.text);
      return new Listener(address, fd, true, inode);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** A descriptor that listens or is connected, whatever it came by. Throws SysError. */
  static inherit(address: Address, fd: number): Listener {
    const flags = check(call(Call.fcntl, fd, F_GETFL, 0), "fcntl", address.text);
    check(call(Call.fcntl, fd, F_SETFL, flags | O_NONBLOCK), "fcntl", address.text);
    check(call(Call.fcntl, fd, F_SETFD, FD_CLOEXEC), "fcntl", address.text);
    const value = new Uint8Array(4);
    const length = new Uint8Array([4, 0, 0, 0]);
    const result = call6(Call.getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, addressOf(value), addressOf(length), 0);
    check(result, "getsockopt", address.text);
    tuneTcp(fd);
    return new Listener(address, fd, value[0] === 1, 0);
  }

  /** A listening descriptor that another process has opened for an address; a Unix socket's path stays that one's. */
  static adopt(address: Address, fd: number): Listener {
    return new Listener(address, fd, true, NO_INODE);
  }

  /** Stops listening and removes the path of a Unix socket, unless another process has put its own there. */
  close(): void {
    close(this.fd);
    if (this.address.family === Family.UNIX && inodeOf(this.address.name) === this.inode) unlink(this.address.name);
  }
}

/** accept4(2): a connected descriptor or -errno. */
export function accept(fd: number): number {
  return call6(Call.accept4, fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0);
}

/**
 * Prepares a TCP connection, or those that come from a listener: small replies leave at once, and a peer that vanished is
 * noticed in a minute.
 */
export function tuneTcp(fd: number): void {
  setInteger(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setInteger(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  askWhenSilent(fd, PEER_SILENT_S);
}

/** Has TCP ask a peer that has been silent for so many seconds, below 256, three times in 10 s each, whether it is there. */
export function askWhenSilent(fd: number, seconds: number): void {
  setInteger(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setInteger(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  setInteger(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/** Whether closing the descriptor, by the end of the process too, resets the connection and drops what was not sent yet. */
export function setResetOnClose(fd: number, isReset: boolean): void {
  // struct linger: on, for no time at all.
  const linger = new Uint8Array([isReset ? 1 : 0, 0, 0, 0, 0, 0, 0, 0]);
  call6(Call.setsockopt, fd, SOL_SOCKET, SO_LINGER, addressOf(linger), linger.length, 0);
}

/** The errno of what has failed on a socket since it was last asked, 0 for nothing; SO_ERROR of socket(7). */
export function pendingError(fd: number): number {
  const value = new Uint8Array(4);
  const length = new Uint8Array([4, 0, 0, 0]);
  const result = call6(Call.getsockopt, fd, SOL_SOCKET, SO_ERROR, addressOf(value), addressOf(length), 0);
  return result < 0 ? -result : new DataView(value.buffer).getInt32(0, true);
}

/** Begins to connect. Returns a descriptor, which is writable once it is connected or cannot be, or -errno. */
export function connectSoon(address: Address): number {
  const fd = call(Call.socket, address.socketFamily, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  const sockaddr = address.sockaddr();
  const result = call(Call.connect, fd, addressOf(sockaddr), sockaddr.length);
  if (result >= 0 || result === -Errno.EINPROGRESS) return fd;
  close(fd);
  return result;
}

/** Connects, waiting for it. The descriptor blocks. Throws SysError. */
export function connectBlocking(address: Address): number {
  if (address.family === Family.DESCRIPTOR) return address.port;
  const fd = openSocket(address, 0);
  const sockaddr = address.sockaddr();
  const result = call(Call.connect, fd, addressOf(sockaddr), sockaddr.length);
  if (result >= 0) return fd;
  close(fd);
  throw new SysError("connect", -result, address.text);
}

/**
 * recv(2) into an array from `offset` on. Returns the bytes received, 0 after the peer's last one, or -errno
 * (-EAGAIN: nothing there).
 */
export function receive(fd: number, bytes: Uint8Array, offset: number, length: number): number {
  const room = Math.min(length, bytes.length - offset);
  return call6(Call.recv, fd, addressOf(bytes) + offset, room, MSG_DONTWAIT, 0, 0);
}

/** Like `receive` into a whole array, the bytes staying where they are. */
export function peek(fd: number, bytes: Uint8Array): number {
  return call6(Call.recv, fd, addressOf(bytes), bytes.length, MSG_DONTWAIT | MSG_PEEK, 0, 0);
}

/** Passes over bytes of a TCP connection that `peek` has seen. */
export function skip(fd: number, count: number): void {
  call6(Call.recv, fd, 0, count, MSG_DONTWAIT | MSG_TRUNC, 0, 0);
}

/** send(2) of bytes [start, end). Returns the bytes taken or -errno (-EAGAIN: no room). Never raises SIGPIPE. */
export function send(fd: number, bytes: Uint8Array, start: number, end: number): number {
  return call6(Call.send, fd, addressOf(bytes) + start, end - start, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
}

/**
 * Lets the socket hold this many bytes that the peer has not read, for a long transfer: a Unix socket takes more only
 * when three quarters of them are gone, and must not run dry until then.
 */
export function growSendBuffer(fd: number, bytes: number): void {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, bytes, true);
  // The first is not bound by net.core.wmem_max, where the agent may.
  const forced = call6(Call.setsockopt, fd, SOL_SOCKET, SO_SNDBUFFORCE, addressOf(value), value.length, 0);
  if (forced < 0) call6(Call.setsockopt, fd, SOL_SOCKET, SO_SNDBUF, addressOf(value), value.length, 0);
}

/** Tells the peer that nothing more comes; it may go on sending. */
export function shutdownSending(fd: number): void {
  call(Call.shutdown, fd, SHUT_WR, 0);
}

function openSocket(address: Address, flags: number): number {
  return check(call(Call.socket, address.socketFamily, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket", address.text);
}

/** Sets an option to a number below 256. */
function setInteger(fd: number, level: number, option: number, value: number): void {
  const bytes = new Uint8Array(4);
  bytes[0] = value;
  call6(Call.setsockopt, fd, level, option, addressOf(bytes), bytes.length, 0);
}

function bind(fd: number, address: Address): number {
  const sockaddr = address.sockaddr();
  return call(Call.bind, fd, addressOf(sockaddr), sockaddr.length);
}

function inodeOf(path: string): number {
  try {
    return lstat(path).inode;
  } catch {
    return -1;
  }
}

/** Binds a port, also one that connections of an earlier agent still linger on. A port has no inode: returns 0. */
function bindPort(fd: number, address: Address): number {
  setInteger(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Every connection has them from its listener.
  if (address.family === Family.TCP) tuneTcp(fd);
  check(bind(fd, address), "bind", address.text);
  return 0;
}

/** Binds a Unix socket, in place of one that nobody listens on any more. Returns the inode of the path. */
function bindUnix(fd: number, address: Address): number {
  let result = bindPrivately(fd, address);
  if (result === -Errno.EADDRINUSE && isStale(address)) {
    unlink(address.name);
    result = bindPrivately(fd, address);
  }
  check(result, "bind", address.text);
  return inodeOf(address.name);
}

/** Whoever may connect owns the guest: the path is made with mode 0600. */
function bindPrivately(fd: number, address: Address): number {
  const mask = call(Call.umask, 0o177, 0, 0);
  const result = bind(fd, address);
  call(Call.umask, mask, 0, 0);
  return result;
}

/** Whether a path is a socket that refuses connections: its listener is gone. */
function isStale(address: Address): boolean {
  if (!lstat(address.name).isSocket) return false;
  const fd = openSocket(address, SOCK_NONBLOCK);
  const sockaddr = address.sockaddr();
  const result = call(Call.connect, fd, addressOf(sockaddr), sockaddr.length);
  close(fd);
  return result === -Errno.ECONNREFUSED;
}
