/** A pair of connected sockets between two processes: short texts, whole and in order, each with a descriptor or none. */
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
/** A control message with one descriptor: header, int, padding; cmsg(3). */
const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;
const NO_FD = -1;

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

/** What came through a channel. The receiver owns the descriptor, which is close-on-exec. */
export class Message {
  readonly text: string;
  /** -1 where none came. */
  readonly fd: number;

  constructor(text: string, fd: number) {
    this.text = text;
    this.fd = fd;
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

  constructor(bytes: Uint8Array, hasControl: boolean) {
    this.bytes = bytes;
    const iovecView = new DataView(this.iovec.buffer);
    writeWord(iovecView, 0, addressOf(bytes));
    writeWord(iovecView, 8, bytes.length);
    writeWord(this.view, 16, addressOf(this.iovec));
    writeWord(this.view, 24, 1);
    if (!hasControl) return;
    writeWord(this.view, 32, addressOf(this.control));
    writeWord(this.view, 40, CONTROL_BYTES);
  }

  get address(): number {
    return addressOf(this.header);
  }

  /** Whether a descriptor came. */
  get hasDescriptor(): boolean {
    return this.view.getUint32(40, true) >= CONTROL_LENGTH && this.controlView.getInt32(12, true) === SCM_RIGHTS;
  }
}

/** Sends a text of 1 to 4,096 bytes, and a descriptor that stays the caller's, or -1. Returns 0 or -errno (-EAGAIN: full). */
export function sendMessage(channel: number, text: string, fd: number): number {
  const envelope = new Envelope(encodeText(text), fd >= 0);
  if (fd >= 0) {
    writeWord(envelope.controlView, 0, CONTROL_LENGTH);
    envelope.controlView.setInt32(8, SOL_SOCKET, true);
    envelope.controlView.setInt32(12, SCM_RIGHTS, true);
    envelope.controlView.setInt32(16, fd, true);
  }
  const sent = call(Call.sendmsg, channel, envelope.address, MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

/** The next message; undefined where none is there. An empty text: the other side is gone. */
export function receiveMessage(channel: number): Message | undefined {
  const envelope = new Envelope(new Uint8Array(TEXT_MAX), true);
  const length = call(Call.recvmsg, channel, envelope.address, MSG_CMSG_CLOEXEC);
  if (length === -Errno.EAGAIN || length === -Errno.EINTR) return undefined;
  if (length <= 0) return new Message("", NO_FD);
  const fd = envelope.hasDescriptor ? envelope.controlView.getInt32(16, true) : NO_FD;
  return new Message(decodeText(envelope.bytes, 0, length), fd);
}

