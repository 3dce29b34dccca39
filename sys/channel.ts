/** A pair of connected sockets between two processes: short texts, whole and in order, each with a few descriptors or none. */
import { addressOf, call, call6 } from "#libc";
import { decodeText, encodeText, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Bytes of the longest text. */
const TEXT_MAX = 4096;
const MSGHDR_BYTES = 56;
const IOVEC_BYTES = 16;
/** Descriptors that come with one text. */
const FDS_MAX = 8;
/** A control message: its header, and as many ints; cmsg(3). */
const CONTROL_HEADER = 16;
const FD_BYTES = 4;
const CONTROL_BYTES = CONTROL_HEADER + FDS_MAX * FD_BYTES;

/** The two ends, which the caller owns; non-blocking and close-on-exec. */
export class ChannelPair {
  readonly ours: number;
  readonly theirs: number;

  constructor(ours: number, theirs: number) {
    this.ours = ours;
    this.theirs = theirs;
  }

  /** socketpair(2). Throws SysError. */
  static open(): ChannelPair {
    const pair = new Uint8Array(8);
    const type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    check(call6(Call.socketpair, AF_UNIX, type, 0, addressOf(pair), 0, 0), "socketpair", "");
    const view = new DataView(pair.buffer);
    return new ChannelPair(view.getInt32(0, true), view.getInt32(4, true));
  }
}

/** What came through a channel. The receiver owns the descriptors, which are close-on-exec. */
export class Message {
  readonly text: string;
  readonly fds: number[];

  constructor(text: string, fds: number[]) {
    this.text = text;
    this.fds = fds;
  }
}

/** A msghdr over a text and a control buffer; recvmsg(2). It owns the arrays that it points to. */
class Envelope {
  readonly bytes: Uint8Array;
  readonly control = new Uint8Array(CONTROL_BYTES);
  readonly controlView = new DataView(this.control.buffer);
  private readonly iovec = new Uint8Array(IOVEC_BYTES);
  private readonly header = new Uint8Array(MSGHDR_BYTES);
  private readonly view = new DataView(this.header.buffer);

  constructor(bytes: Uint8Array, controlLength: number) {
    this.bytes = bytes;
    const iovecView = new DataView(this.iovec.buffer);
    writeWord(iovecView, 0, addressOf(bytes));
    writeWord(iovecView, 8, bytes.length);
    writeWord(this.view, 16, addressOf(this.iovec));
    writeWord(this.view, 24, 1);
    if (controlLength === 0) return;
    writeWord(this.view, 32, addressOf(this.control));
    writeWord(this.view, 40, controlLength);
  }

  get address(): number {
    return addressOf(this.header);
  }

  /** The descriptors that came. */
  get fds(): number[] {
    const fds: number[] = [];
    const hasControl = this.view.getUint32(40, true) >= CONTROL_HEADER && this.controlView.getInt32(12, true) === SCM_RIGHTS;
    const end = hasControl ? Math.min(this.controlView.getUint32(0, true), CONTROL_BYTES) : 0;
    for (let at = CONTROL_HEADER; at + FD_BYTES <= end; at += FD_BYTES) fds.push(this.controlView.getInt32(at, true));
    return fds;
  }
}

/**
 * Sends a text of 1 to 4,096 bytes, and at most eight descriptors, which stay the caller's. Returns 0 or -errno (-EAGAIN:
 * full).
 */
export function sendMessage(channel: number, text: string, fds: number[]): number {
  const length = CONTROL_HEADER + fds.length * FD_BYTES;
  const envelope = new Envelope(encodeText(text), fds.length > 0 ? length : 0);
  if (fds.length > FDS_MAX) throw new RangeError("too many descriptors");
  if (fds.length > 0) {
    writeWord(envelope.controlView, 0, length);
    envelope.controlView.setInt32(8, SOL_SOCKET, true);
    envelope.controlView.setInt32(12, SCM_RIGHTS, true);
    let at = CONTROL_HEADER;
    for (const fd of fds) {
      envelope.controlView.setInt32(at, fd, true);
      at += FD_BYTES;
    }
  }
  const sent = call(Call.sendmsg, channel, envelope.address, MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

/** The next message; undefined where none is there. An empty text: the other side is gone. */
export function receiveMessage(channel: number): Message | undefined {
  const envelope = new Envelope(new Uint8Array(TEXT_MAX), CONTROL_BYTES);
  const length = call(Call.recvmsg, channel, envelope.address, MSG_CMSG_CLOEXEC);
  if (length === -Errno.EAGAIN || length === -Errno.EINTR) return undefined;
  if (length <= 0) return new Message("", []);
  return new Message(decodeText(envelope.bytes, 0, length), envelope.fds);
}
