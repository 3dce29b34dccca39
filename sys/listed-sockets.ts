/** The TCP sockets of this network namespace that listen, as /proc/net/tcp and tcp6 show them; proc(5). */
import { Errno, SysError } from "./errno.ts";
import { LineReader } from "./lines.ts";
import { ListeningSockets, Loopback } from "./listening-sockets.ts";

/** TCP_LISTEN. */
const LISTEN = 0x0a;
/** An address, a colon and a port in hexadecimal. */
const V4_LENGTH = 13;
const V6_LENGTH = 37;
const PORT_DIGITS = 4;
/** 127.0.0.1 and the last words of ::1 and ::ffff:127.0.0.1, each printed in the byte order of the machine. */
const LOOPBACK_V4 = 0x0100007f;
const LOOPBACK_V6 = 0x01000000;
const MAPPED = 0xffff0000;
const INODE_FIELD = 9;
/** More than the kernel writes of a socket. */
const LINE_MAX = 512;

/** Reads one of the two tables. */
export class ListedSockets extends ListeningSockets {
  private readonly path: string;
  private readonly buffer: Uint8Array;
  private lines: LineReader | undefined;
  /** The line that is taken apart ends at `end` of `bytes`. The word that was found last is [from, at). */
  private bytes: Uint8Array;
  private end = 0;
  private from = 0;
  private at = 0;

  /** `buffer`: what is read into, lent between `begin` and the last `next`; of a page. */
  constructor(path: string, buffer: Uint8Array) {
    super();
    this.path = path;
    this.buffer = buffer;
    this.bytes = buffer;
  }

  override begin(): boolean {
    try {
      const lines = this.lines ?? LineReader.over(this.path, this.buffer);
      lines.lineMax = LINE_MAX;
      lines.rewind();
      this.lines = lines;
      return true;
    } catch (error) {
      if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
      return false;
    }
  }

  override next(): boolean {
    const lines = this.lines;
    while (lines?.next() === true) {
      this.bytes = lines.bytes;
      this.at = lines.start;
      this.end = lines.end;
      const state = this.parse();
      if (state === LISTEN) return true;
      // Those that listen come first, and the others may be many.
      if (state >= 0) return false;
    }
    return false;
  }

  /** Returns the state in a line, -1 for a line that is none: the heading, or one that is damaged. */
  private parse(): number {
    this.word();
    const length = this.word();
    const local = this.from;
    this.word();
    if (this.word() !== 2) return -1;
    const state = this.hex(this.from, 2);
    for (let field = 4; field < INODE_FIELD; field++) this.word();
    if (this.word() === 0 || (length !== V4_LENGTH && length !== V6_LENGTH)) return -1;
    this.inode = this.decimal();
    this.port = this.hex(local + length - PORT_DIGITS, PORT_DIGITS);
    this.loopback = this.classify(local, length);
    const isDamaged = this.inode < 0 || this.port < 0 || this.hex(local, length - PORT_DIGITS - 1) < 0;
    return isDamaged ? -1 : state;
  }

  private classify(local: number, length: number): Loopback {
    if (length === V4_LENGTH) return this.hex(local, 8) === LOOPBACK_V4 ? Loopback.V4 : Loopback.NONE;
    if (this.hex(local, 8) !== 0 || this.hex(local + 8, 8) !== 0) return Loopback.NONE;
    const third = this.hex(local + 16, 8);
    const last = this.hex(local + 24, 8);
    if (third === 0 && last === LOOPBACK_V6) return Loopback.V6;
    return third === MAPPED && last === LOOPBACK_V4 ? Loopback.V4 : Loopback.NONE;
  }

  /** Finds the next word. Returns its length, 0 behind the last one. */
  private word(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] ?? 0) <= 0x20) at++;
    this.from = at;
    while (at < end && (bytes[at] ?? 0) > 0x20) at++;
    this.at = at;
    return at - this.from;
  }

  /** The number that so many hexadecimal digits of the line spell; -1 where one of them is none. */
  private hex(from: number, digits: number): number {
    const { bytes } = this;
    let value = 0;
    for (let at = from; at < from + digits; at++) {
      const byte = bytes[at] ?? 0;
      const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x41 && byte <= 0x46 ? byte - 0x37 : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  /** The number that the word spells; -1 where it spells none. */
  private decimal(): number {
    const { bytes } = this;
    let value = 0;
    for (let at = this.from; at < this.at; at++) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}
