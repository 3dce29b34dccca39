/**
 * One attempt to ask Firecracker's metadata service: a connection, a token, the data; lifecycle.md 4.1 and 4.2. Nothing of
 * it outlives its end.
 */
import { targetEnd } from "../../http/grammar.ts";
import type { Address } from "../../sys/address.ts";
import { decodeText, encodeText } from "../../sys/bytes.ts";
import { monotonicNow } from "../../sys/clock.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { close } from "../../sys/file.ts";
import { NetworkInterface } from "../../sys/interface.ts";
import { Level, log } from "../../sys/log.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";
import { connectSoon, receive, send } from "../../sys/socket.ts";
import { Timer } from "../../sys/timer.ts";
import { Answer, AnswerError, MAX_ANSWER_BYTES } from "./answer.ts";

/** The service is in the hypervisor: it answers in a millisecond, or not at all. */
const CONNECT_MS = 500;
export const ATTEMPT_MS = 1000;
/** The life of a token that serves one attempt; seconds. */
const TOKEN_SECONDS = 60;
/** More than the service takes back. */
const MAX_TOKEN_BYTES = 1024;
const FIRST_BYTES = 2048;
const DEVICE = "eth0";

const enum Stage {
  /** A token for the data. */
  TOKEN,
  DATA,
  /** The token is all that is asked for, or all that the data is asked with. */
  LAST,
}

/** Gets the status of the last answer, 0 where there is none, and its body, which is the callee's. */
export type OnAnswer = (status: number, body: Uint8Array) => void;

export class Attempt extends Source {
  private readonly loop: Loop;
  private readonly address: Address;
  private readonly onEnd: OnAnswer;
  private readonly deadline: number;
  private readonly limit = new Timer(() => this.end(0));
  private stage = Stage.TOKEN;
  private mayRenew = true;
  /** Whether the connection has carried an answer before. */
  private isReused = false;
  private request: Uint8Array = new Uint8Array(0);
  private sent = 0;
  private bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  private length = 0;
  private answer = new Answer();

  /** `limit`: milliseconds for all of it. `onEnd` is called once, possibly before the call that asks returns. */
  constructor(loop: Loop, address: Address, limit: number, onEnd: OnAnswer) {
    super(-1);
    this.loop = loop;
    this.address = address;
    this.onEnd = onEnd;
    this.deadline = monotonicNow() + limit;
  }

  /** Asks for the data: by a token, and without one where the service has none. */
  askData(): void {
    this.stage = Stage.TOKEN;
    this.askForToken(TOKEN_SECONDS);
  }

  /** Asks for a token of so many seconds, and no more. */
  askToken(seconds: number): void {
    this.stage = Stage.LAST;
    this.askForToken(seconds);
  }

  /** Asks for the data by a token that was got before, whatever becomes of it. */
  askWith(token: string): void {
    this.stage = Stage.LAST;
    this.askForData(token);
  }

  /** Ends it; nobody is told. */
  cancel(): void {
    this.loop.timers.cancel(this.limit);
    this.loop.remove(this);
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
  }

  override onReady(_ready: number): void {
    if (this.sent < this.request.length) this.write();
    else this.read();
  }

  override onFailure(): void {
    this.end(0);
  }

  private askForToken(seconds: number): void {
    this.ask(`PUT /latest/api/token HTTP/1.1\r\nHost: ${this.address.name}\r\nX-metadata-token-ttl-seconds: ${seconds}\r\n\r\n`);
  }

  private askForData(token: string): void {
    const field = token === "" ? "" : `X-metadata-token: ${token}\r\n`;
    this.ask(`GET / HTTP/1.1\r\nHost: ${this.address.name}\r\n${field}Accept: application/json\r\n\r\n`);
  }

  private ask(request: string): void {
    this.request = encodeText(request);
    this.sent = 0;
    this.length = 0;
    this.answer = new Answer();
    this.isReused = this.fd >= 0;
    if (this.isReused) this.loop.setEvents(this, Ready.WRITABLE);
    else this.connect();
  }

  private connect(): void {
    const fd = connectSoon(this.address);
    if (fd === -Errno.ENETUNREACH) addRoute(this.address.name);
    if (fd < 0) return this.end(0);
    this.fd = fd;
    this.loop.add(this, Ready.WRITABLE);
    this.loop.timers.start(this.limit, Math.min(CONNECT_MS, this.left()));
  }

  private write(): void {
    const count = send(this.fd, this.request, this.sent, this.request.length);
    if (count === -Errno.EAGAIN || count === -Errno.EINTR) return;
    if (count < 0) return this.onLost();
    this.loop.timers.start(this.limit, this.left());
    this.sent += count;
    if (this.sent === this.request.length) this.loop.setEvents(this, Ready.READABLE);
  }

  private read(): void {
    const count = receive(this.fd, this.bytes, this.length, this.bytes.length - this.length);
    if (count === -Errno.EAGAIN || count === -Errno.EINTR) return;
    if (count <= 0) return this.onLost();
    this.length += count;
    try {
      if (this.answer.take(this.bytes, this.length)) this.onAnswer();
      else if (this.length === MAX_ANSWER_BYTES) this.end(0);
      else if (this.length === this.bytes.length) this.grow();
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      this.end(0);
    }
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2);
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /** The peer is gone: between two answers that is its right. */
  private onLost(): void {
    if (!this.isReused || this.length > 0) return this.end(0);
    this.isReused = false;
    this.sent = 0;
    this.cancel();
    this.connect();
  }

  private onAnswer(): void {
    const status = this.answer.status;
    if (this.stage === Stage.TOKEN) {
      // A service of version 1 has none.
      const hasNone = status === 404 || status === 405;
      const { bodyStart, bodyEnd } = this.answer;
      const token = status === 200 ? tokenOf(this.bytes, bodyStart, bodyEnd) : "";
      if (token === "" && !hasNone) return this.end(0);
      this.stage = Stage.DATA;
      this.askForData(token);
    } else if (this.stage === Stage.DATA && status === 401 && this.mayRenew) {
      this.mayRenew = false;
      this.askData();
    } else {
      this.end(status);
    }
  }

  private end(status: number): void {
    this.cancel();
    const { bodyStart, bodyEnd } = this.answer;
    this.onEnd(status, status === 0 ? new Uint8Array(0) : this.bytes.slice(bodyStart, bodyEnd));
  }

  private left(): number {
    return Math.max(this.deadline - monotonicNow(), 0);
  }
}

/** The token that bytes [start, end) are, which a field can have for its value; empty where they are none. */
export function tokenOf(bytes: Uint8Array, start: number, end: number): string {
  const isToken = end - start <= MAX_TOKEN_BYTES && targetEnd(bytes, start, end) === end;
  return isToken ? decodeText(bytes, start, end) : "";
}

/** Leads an address to the network's device, for the next attempt: the hypervisor takes the packets off there. */
function addRoute(address: string): void {
  try {
    const device = NetworkInterface.open(DEVICE);
    try {
      device.addHostRoute(address);
      log(Level.INFO, `${DEVICE}: route to the metadata service at ${address}`);
    } finally {
      device.close();
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.DEBUG, error.describe());
  }
}
