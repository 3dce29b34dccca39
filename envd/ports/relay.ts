/** A connection to a forwarded port, and the one to the server behind it: what the one says the other hears, to its end. */
import { Acceptor } from "../../sys/acceptor.ts";
import { Address, Family } from "../../sys/address.ts";
import type { BufferPool } from "../../sys/buffers.ts";
import { Errno } from "../../sys/errno.ts";
import { close } from "../../sys/file.ts";
import { type Loop, Ready, Source } from "../../sys/loop.ts";
import type { Pipe, PipePool } from "../../sys/pipe-pool.ts";
import { askWhenSilent, connectSoon, pendingError, setResetOnClose, shutdownSending, tuneTcp } from "../../sys/socket.ts";
import { Timer } from "../../sys/timer.ts";
import { Flow, flowOver, flowThrough } from "./flow.ts";

const CONNECT_MS = 5000;
/** The pause before a descriptor is asked for once more. */
const EXHAUSTED_PAUSE_MS = 100;
const KEEPALIVE_SECONDS = 60;
/** Servers that are tried: at 127.0.0.1 and at ::1. */
const CHOICES = 2;

/** One side: what it says goes to the other one. */
class End extends Source {
  private readonly relay: Relay;
  /** What it has said and the other side has not taken yet. */
  pipe: Pipe | undefined;
  /** The other side takes no more now. */
  isHeld = false;
  /** It has said all, and the other side knows. */
  isOver = false;
  /** Its bytes have to be copied. */
  isUnfit = false;

  constructor(relay: Relay, fd: number) {
    super(fd);
    this.relay = relay;
    // Nobody is to take the end of this process, or of a relay that failed, for the end of what was said.
    setResetOnClose(fd, true);
    askWhenSilent(fd, KEEPALIVE_SECONDS);
  }

  override onReady(ready: number): void {
    this.relay.onReady(this, ready);
  }

  override onFailure(): void {
    this.relay.close();
  }
}

/** The port that relays belong to. */
export abstract class RelayPort extends Acceptor {
  readonly number: number;
  readonly pipes: PipePool;
  readonly buffers: BufferPool;

  constructor(loop: Loop, number: number, pipes: PipePool, buffers: BufferPool) {
    super(loop);
    this.number = number;
    this.pipes = pipes;
    this.buffers = buffers;
  }

  /** Whether 127.0.0.1 is to be tried before ::1. */
  abstract get prefersV4(): boolean;

  /** A relay has ended. */
  abstract onClosed(relay: Relay): void;

  /** No server takes connections any more. */
  abstract onRefused(): void;
}

export class Relay {
  /** The index in the port's list, -1 once it is closed. Only the port writes it. */
  place = -1;
  private readonly port: RelayPort;
  private readonly client: End;
  private server: End | undefined;
  private isConnected = false;
  private choice = 0;
  private readonly deadline: number;
  private readonly patience = new Timer(() => this.onTimer());

  /** `fd`: the client's connection, the relay's from now on. */
  constructor(port: RelayPort, fd: number) {
    this.port = port;
    this.client = new End(this, fd);
    this.deadline = port.loop.timers.now + CONNECT_MS;
  }

  /** Connects to the server, the next of the choices that is left. */
  connect(): void {
    const { port } = this;
    const { timers } = port.loop;
    for (; this.choice < CHOICES; this.choice++) {
      const host = (this.choice === 0) === port.prefersV4 ? "127.0.0.1" : "::1";
      const fd = connectSoon(new Address(Family.TCP, "", host, port.number, 0));
      if (fd === -Errno.EMFILE || fd === -Errno.ENFILE) return timers.start(this.patience, EXHAUSTED_PAUSE_MS);
      if (fd < 0) continue;
      tuneTcp(fd);
      this.server = new End(this, fd);
      port.loop.add(this.server, Ready.WRITABLE);
      return timers.start(this.patience, Math.max(this.deadline - timers.now, 0));
    }
    this.refuse();
  }

  onReady(end: End, ready: number): void {
    const server = this.server;
    if (server === undefined) return;
    if (!this.isConnected) return this.onConnected(server);
    const other = end === server ? this.client : server;
    if ((ready & ~Ready.WRITABLE) !== 0) this.move(end, other);
    if ((ready & Ready.WRITABLE) !== 0) this.move(other, end);
    // What came before a reset has been passed on.
    if ((ready & Ready.FAILED) !== 0) this.close();
    if (this.place < 0) return;
    this.watch(other, end);
    this.watch(end, other);
    // Both directions have ended for poll(2), which would say so again and again, while its last words wait.
    if (end.isHeld && (ready & Ready.HANGUP) !== 0) this.port.loop.remove(end);
  }

  /** Ends both connections, by a reset where not all has been said. */
  close(): void {
    const server = this.server;
    if (this.place < 0) return;
    this.port.loop.timers.cancel(this.patience);
    this.dispose(this.client);
    if (server !== undefined) this.dispose(server);
    this.port.onClosed(this);
  }

  private onConnected(server: End): void {
    const { loop } = this.port;
    if (pendingError(server.fd) !== 0) {
      this.dispose(server);
      this.server = undefined;
      this.choice++;
      return this.connect();
    }
    loop.timers.cancel(this.patience);
    this.isConnected = true;
    loop.setEvents(server, Ready.READABLE);
    loop.add(this.client, Ready.READABLE);
  }

  private onTimer(): void {
    if (this.server === undefined && this.port.loop.timers.now < this.deadline) this.connect();
    else this.refuse();
  }

  private refuse(): void {
    this.close();
    this.port.onRefused();
  }

  private move(from: End, to: End): void {
    if (this.place < 0 || from.isOver) return;
    const flow = this.flow(from, to);
    from.isHeld = flow === Flow.FULL;
    if (flow === Flow.BROKEN) return this.close();
    if (flow !== Flow.OVER) return;
    from.isOver = true;
    shutdownSending(to.fd);
    if (!to.isOver) return;
    setResetOnClose(from.fd, false);
    setResetOnClose(to.fd, false);
    this.close();
  }

  /** Moves bytes through a pipe where one is to be had. */
  private flow(from: End, to: End): Flow {
    const { pipes, buffers } = this.port;
    const pipe = from.pipe ?? (from.isUnfit ? undefined : pipes.take());
    if (pipe !== undefined) {
      const flow = flowThrough(from.fd, to.fd, pipe);
      from.pipe = pipe.count > 0 ? pipe : undefined;
      if (pipe.count === 0) pipes.give(pipe);
      if (flow !== Flow.UNFIT) return flow;
      from.isUnfit = true;
    }
    const buffer = buffers.take();
    const flow = flowOver(from.fd, to.fd, buffer);
    buffers.give(buffer);
    return flow;
  }

  /** Waits for what may happen next on one side. */
  private watch(end: End, other: End): void {
    const { loop } = this.port;
    const events = (end.isOver || end.isHeld ? Ready.NONE : Ready.READABLE) | (other.isHeld ? Ready.WRITABLE : Ready.NONE);
    if (end.slot >= 0) loop.setEvents(end, events);
    else if (events !== Ready.NONE) loop.add(end, events);
  }

  private dispose(end: End): void {
    const { loop, pipes } = this.port;
    loop.remove(end);
    close(end.fd);
    if (end.pipe !== undefined) pipes.give(end.pipe);
  }
}
