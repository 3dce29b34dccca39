/** A port that servers in the guest keep to themselves, and that its host is to reach; lifecycle.md 2.3. */
import { Address, Family } from "../../sys/address.ts";
import type { BufferPool } from "../../sys/buffers.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { Level, log } from "../../sys/log.ts";
import type { Loop } from "../../sys/loop.ts";
import { Loopback } from "../../sys/listening-sockets.ts";
import type { PipePool } from "../../sys/pipe-pool.ts";
import { Listener } from "../../sys/socket.ts";
import { Relay, RelayPort } from "./relay.ts";

/** Relays of one port; further clients wait in the backlog. */
const RELAYS_MAX = 256;

/** Who has all ports. */
export abstract class PortOwner {
  readonly loop: Loop;
  readonly pipes: PipePool;
  readonly buffers: BufferPool;

  constructor(loop: Loop, pipes: PipePool, buffers: BufferPool) {
    this.loop = loop;
    this.pipes = pipes;
    this.buffers = buffers;
  }

  /** Whether another relay may be opened. */
  abstract get hasRoom(): boolean;

  /** So many relays more are open, or fewer. */
  abstract count(relays: number): void;

  /** What was seen of the ports is out of date. */
  abstract lookSoon(): void;
}

export class Port extends RelayPort {
  /** Loopback addresses at which servers listen, as they are being found and as they were found last; Loopback bits. */
  found = Loopback.NONE;
  servers = Loopback.NONE;
  private readonly owner: PortOwner;
  private readonly relays: Relay[] = [];

  constructor(owner: PortOwner, number: number) {
    super(owner.loop, number, owner.pipes, owner.buffers);
    this.owner = owner;
  }

  override get prefersV4(): boolean {
    return (this.servers & Loopback.V4) !== 0;
  }

  get hasRelays(): boolean {
    return this.relays.length > 0;
  }

  /** Listens at an address of the guest. Returns 0 or the errno: EADDRINUSE where it is reached there already. */
  listenAt(host: string): number {
    const address = new Address(Family.TCP, `tcp:${host}:${this.number}`, host, this.number, 0);
    try {
      this.acceptOn(Listener.open(address));
      this.regulate();
      log(Level.DEBUG, `forwarding ${address.text}`);
      return 0;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno !== Errno.EADDRINUSE) log(Level.DEBUG, `cannot forward ${address.text}: ${error.describe()}`);
      return error.errno;
    }
  }

  /** Closes the listener and resets every relay. */
  stop(): void {
    this.closeListeners();
    for (const relay of this.relays.slice()) relay.close();
  }

  /** Accepts while there is room for another relay. */
  regulate(): void {
    this.setAccepting(this.relays.length < RELAYS_MAX && this.owner.hasRoom);
  }

  override onConnection(fd: number, _family: Family): void {
    const relay = new Relay(this, fd);
    relay.place = this.relays.length;
    this.relays.push(relay);
    this.owner.count(1);
    this.regulate();
    relay.connect();
  }

  override onClosed(relay: Relay): void {
    const last = this.relays.at(-1);
    this.relays.pop();
    if (last !== undefined && last !== relay) {
      this.relays[relay.place] = last;
      last.place = relay.place;
    }
    relay.place = -1;
    this.owner.count(-1);
    this.regulate();
  }

  override onRefused(): void {
    this.owner.lookSoon();
  }
}
