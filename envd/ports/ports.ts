/**
 * Lets the host reach, at the guest's address, servers that listen on loopback only: watches which do, and relays; lifecycle.md
 * 2. Meant for guests whose one neighbour is their host.
 */
import type { BufferPool } from "../../sys/buffers.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { DumpedSockets } from "../../sys/dumped-sockets.ts";
import { ListedSockets } from "../../sys/listed-sockets.ts";
import { type ListeningSockets, Loopback } from "../../sys/listening-sockets.ts";
import { Level, log } from "../../sys/log.ts";
import type { Loop } from "../../sys/loop.ts";
import { PipePool } from "../../sys/pipe-pool.ts";
import { Timer } from "../../sys/timer.ts";
import { guestAddress } from "./guest-address.ts";
import { Port, PortOwner } from "./port.ts";

const PAGE_BYTES = 4096;
const INTERVAL_MS = 1000;
const PORTS_MAX = 1024;
const RELAYS_MAX = 1024;
const PIPES_MAX = 64;

export class Ports extends PortOwner {
  /** The guest's address where it was told; empty where it is to be found. */
  private readonly told: string;
  /** Inodes of this agent's own listeners, which are not forwarded. */
  private readonly own: readonly number[];
  /** All of them at once, and where the kernel does not tell them so, family by family. */
  private readonly dumped: DumpedSockets;
  private readonly v4: ListedSockets;
  private readonly v6: ListedSockets;
  /** In order of their numbers. */
  private ports: Port[] = [];
  private address = "";
  private relays = 0;
  private isRunning = false;
  private isCrowded = false;
  private readonly timer = new Timer(() => this.look());

  constructor(loop: Loop, buffers: BufferPool, told: string, own: readonly number[]) {
    super(loop, new PipePool(PIPES_MAX), buffers);
    loop.addIdler(this.pipes);
    this.told = told;
    this.own = own;
    const buffer = new Uint8Array(2 * PAGE_BYTES);
    this.dumped = new DumpedSockets(buffer);
    this.v4 = new ListedSockets("/proc/net/tcp", buffer.subarray(0, PAGE_BYTES));
    this.v6 = new ListedSockets("/proc/net/tcp6", buffer.subarray(0, PAGE_BYTES));
  }

  override get hasRoom(): boolean {
    return this.relays < RELAYS_MAX;
  }

  /** Forwards from now on. Where it does already, it looks around at once, and nothing is interrupted. */
  start(): void {
    this.isRunning = true;
    this.lookSoon();
  }

  /** Stops at once: every listener is closed and every relay reset when this returns. */
  stop(): void {
    this.isRunning = false;
    this.loop.timers.cancel(this.timer);
    for (const port of this.ports) port.stop();
    this.ports = [];
    this.address = "";
    this.pipes.onIdle();
  }

  override lookSoon(): void {
    if (this.isRunning) this.loop.timers.start(this.timer, 0);
  }

  override count(relays: number): void {
    const hadRoom = this.hasRoom;
    this.relays += relays;
    if (this.hasRoom === hadRoom) return;
    for (const port of this.ports) port.regulate();
  }

  /** Looks which servers listen, and does what follows from it. What cannot be looked at stays as it was. */
  private look(): void {
    for (const port of this.ports) port.found = Loopback.NONE;
    try {
      if (this.readAll()) this.update();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.DEBUG, `ports: ${error.describe()}`);
    } finally {
      this.loop.timers.start(this.timer, INTERVAL_MS);
    }
  }

  private readAll(): boolean {
    if (this.read(this.dumped)) return true;
    const hasV4 = this.read(this.v4);
    return this.read(this.v6) || hasV4;
  }

  /** Returns false where there is no such table. Throws SysError. */
  private read(sockets: ListeningSockets): boolean {
    if (!sockets.begin()) return false;
    while (sockets.next()) {
      if (sockets.loopback !== Loopback.NONE && !this.own.includes(sockets.inode)) this.onServer(sockets.port, sockets.loopback);
    }
    return true;
  }

  private onServer(number: number, loopback: Loopback): void {
    const { ports } = this;
    let low = 0;
    for (let high = ports.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((ports.at(middle)?.number ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    let port = ports.at(low);
    if (port === undefined || port.number !== number) {
      if (ports.length >= PORTS_MAX && !this.makeRoom(low)) return;
      port = new Port(this, number);
      ports.splice(low, 0, port);
    }
    port.found |= loopback;
  }

  /** Gives up the highest port for a new one; returns false where it would be the highest itself. */
  private makeRoom(place: number): boolean {
    if (!this.isCrowded) log(Level.WARN, `only ${PORTS_MAX} ports are forwarded, the lowest ones`);
    this.isCrowded = true;
    if (place >= PORTS_MAX) return false;
    this.ports.at(-1)?.stop();
    this.ports.pop();
    return true;
  }

  private update(): void {
    const { ports } = this;
    if (this.address === "" && ports.length > 0) this.address = this.told === "" ? guestAddress() : this.told;
    for (let place = ports.length - 1; place >= 0; place--) {
      const port = ports.at(place);
      if (port === undefined) continue;
      port.servers = port.found;
      if (port.found === Loopback.NONE) {
        // Its relays go on.
        port.closeListeners();
        if (!port.hasRelays) ports.splice(place, 1);
      } else if (!port.isListening && this.address !== "" && port.listenAt(this.address) === Errno.EADDRNOTAVAIL) this.address = "";
    }
  }
}
