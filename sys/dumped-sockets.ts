/**
 * The TCP sockets that listen, as the kernel tells by sock_diag(7), of IPv4 and IPv6 at once. It leaves out all others, while
 * /proc/net/tcp is made by a walk over a table that grows with the machine's memory. Not every kernel has it.
 */
import { call } from "#libc";
import { wipe } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";
import { close } from "./file.ts";
import { ListeningSockets, Loopback } from "./listening-sockets.ts";
import { receive, send } from "./socket.ts";

const AF_NETLINK = 16;
/** SOCK_RAW, SOCK_CLOEXEC. */
const SOCKET_TYPE = 0o2000003;
const NETLINK_SOCK_DIAG = 4;

/** struct nlmsghdr: length, type, flags, sequence, port; netlink(7). */
const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST, NLM_F_DUMP. */
const REQUEST_FLAGS = 0x301;
/** The request of the first version, which asks for both families; struct inet_diag_req in linux/inet_diag.h. */
const TCPDIAG_GETSOCK = 18;
const REQUEST_BYTES = HEADER_BYTES + 60;
const REQUEST_STATES = HEADER_BYTES + 52;
const STATE_LISTEN = 1 << 10;

/** struct inet_diag_msg, behind a header. */
const MESSAGE_BYTES = HEADER_BYTES + 72;
const FAMILY = HEADER_BYTES;
const PORT = HEADER_BYTES + 4;
const ADDRESS = HEADER_BYTES + 8;
const INODE = HEADER_BYTES + 68;
const AF_INET = 2;
const LOOPBACK_V4 = 0x7f000001;
const MAPPED = 0xffff;

export class DumpedSockets extends ListeningSockets {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private fd = -1;
  private isUnknown = false;
  /** What has been received and not yet been looked at is bytes [at, end). */
  private at = 0;
  private end = 0;

  /** `bytes`: what is received into, lent between `begin` and the last `next`; 8,192 bytes, the most that the kernel sends. */
  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  override begin(): boolean {
    if (this.isUnknown) return false;
    if (this.fd < 0) {
      const fd = call(Call.socket, AF_NETLINK, SOCKET_TYPE, NETLINK_SOCK_DIAG);
      this.isUnknown = fd === -Errno.EAFNOSUPPORT || fd === -Errno.EPROTONOSUPPORT;
      if (this.isUnknown) return false;
      this.fd = check(fd, "socket", "netlink");
    }
    wipe(this.bytes, 0, REQUEST_BYTES);
    this.view.setUint32(0, REQUEST_BYTES, true);
    this.view.setUint16(4, TCPDIAG_GETSOCK, true);
    this.view.setUint16(6, REQUEST_FLAGS, true);
    this.view.setUint32(REQUEST_STATES, STATE_LISTEN, true);
    check(send(this.fd, this.bytes, 0, REQUEST_BYTES), "send", "netlink");
    this.receive();
    // A kernel without it says so at once.
    this.isUnknown = this.errno() !== 0;
    if (this.isUnknown) this.close();
    return !this.isUnknown;
  }

  override next(): boolean {
    for (;;) {
      if (this.end - this.at < HEADER_BYTES + 4) this.receive();
      const { at, view } = this;
      const type = view.getUint16(at + 4, true);
      const length = view.getUint32(at, true);
      const errno = this.errno();
      if (type === NLMSG_DONE && errno === 0) return false;
      if (errno !== 0 || length < MESSAGE_BYTES || length > this.end - at) throw this.failure(errno === 0 ? Errno.EIO : errno);
      this.at += (length + 3) & ~3;
      this.port = view.getUint16(at + PORT, false);
      this.inode = view.getUint32(at + INODE, true);
      this.loopback = this.classify(at + ADDRESS, view.getUint8(at + FAMILY) === AF_INET);
      return true;
    }
  }

  /** The errno in the message that comes next, 0 for one about a socket. */
  private errno(): number {
    const type = this.view.getUint16(this.at + 4, true);
    return type === NLMSG_ERROR || type === NLMSG_DONE ? -this.view.getInt32(this.at + HEADER_BYTES, true) : 0;
  }

  private classify(at: number, isV4: boolean): Loopback {
    const { view } = this;
    if (isV4) return view.getUint32(at, false) === LOOPBACK_V4 ? Loopback.V4 : Loopback.NONE;
    if (view.getUint32(at, false) !== 0 || view.getUint32(at + 4, false) !== 0) return Loopback.NONE;
    const third = view.getUint32(at + 8, false);
    const last = view.getUint32(at + 12, false);
    if (third === 0 && last === 1) return Loopback.V6;
    return third === MAPPED && last === LOOPBACK_V4 ? Loopback.V4 : Loopback.NONE;
  }

  private receive(): void {
    const count = receive(this.fd, this.bytes, 0, this.bytes.length);
    this.at = 0;
    this.end = Math.max(count, 0);
    if (count < HEADER_BYTES + 4) throw this.failure(count < 0 ? -count : Errno.EIO);
  }

  /** What may still come of the answer is not to be taken for the next one. */
  private failure(errno: number): SysError {
    this.close();
    return new SysError("recv", errno, "netlink");
  }

  private close(): void {
    close(this.fd);
    this.fd = -1;
  }
}
