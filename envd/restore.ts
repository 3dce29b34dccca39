/**
 * Between the word that a snapshot comes and the first call of the host behind it, and what a guest does that goes on in
 * another machine; envd-http.md 5.5, lifecycle.md 5.3 to 5.5.
 */
import type { Exchange } from "../http/exchange.ts";
import type { HttpServer } from "../http/server.ts";
import type { State } from "../json/state.ts";
import { JsonKind, JsonValue } from "../json/value.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { forgetNeighbours } from "../sys/neighbours.ts";
import { reseedRandom } from "../sys/random.ts";
import { Timer } from "../sys/timer.ts";
import type { Background } from "./background.ts";
import { stepToHardware } from "./clock-step.ts";
import type { Metadata } from "./metadata.ts";
import type { EnvdOptions } from "./options.ts";

/** The device that the host has made anew. */
const DEVICE = "eth0";
/** The member of the state that tells the next worker of a preparation. */
const MEMBER = "prepared";
/** The member that tells it of the guest's life. */
const LIFECYCLE = "lifecycle";
/** No connection: none of them is spared. */
const NONE = 0;
/** A token of the metadata service's that shows whether it is still the same: how long it lives, and may take to come. */
const PROBE_SECONDS = 21_600;
const PROBE_MS = 100;

export class Restore {
  private readonly loop: Loop;
  private readonly server: HttpServer;
  private readonly metadata: Metadata;
  private readonly state: State | undefined;
  private readonly options: EnvdOptions;
  private readonly works: Background[] = [];
  private readonly giveUp = new Timer(() => this.onNobody());
  private isPending = false;
  /** The newest connection from before the preparation: what comes on an older one is no word of a host that is back. */
  private prepared = NONE;
  /** The connection of the latest `/init`; one at a time is served. */
  private latest = NONE;
  /** A token of the metadata service's from the preparation; empty where there is none. */
  private probe = "";
  /** Which life of the guest the host has named last. */
  private lifecycle = "";

  /** `state` tells of a preparation by a worker before this one, and the next. */
  constructor(loop: Loop, server: HttpServer, metadata: Metadata, state: State | undefined, options: EnvdOptions) {
    this.loop = loop;
    this.server = server;
    this.metadata = metadata;
    this.state = state;
    this.options = options;
  }

  /** Has work rest from each preparation to what follows it, and started anew with each `/init`. It runs. */
  add(work: Background): void {
    this.works.push(work);
  }

  /** Goes on with what a worker before this one has prepared: who was connected is gone with it. */
  recall(): void {
    this.lifecycle = this.state?.get(LIFECYCLE)?.asString() ?? "";
    if (this.state?.get(MEMBER)?.kind !== JsonKind.bool) return;
    this.rest();
    this.prepared = NONE;
  }

  /** A snapshot comes. May be repeated. The host waits for the answer: until `onPrepared` no call is of one that is back. */
  prepare(): void {
    this.state?.set(MEMBER, JsonValue.bool(true));
    this.rest();
    this.metadata.fetchToken(PROBE_SECONDS, PROBE_MS, (token) => {
      this.probe = token;
    });
    this.server.closeIdle();
  }

  /** The host is about to hear that it may take the snapshot. */
  onPrepared(): void {
    log(Level.INFO, "prepared for a snapshot");
    this.prepared = this.server.latest;
    // What the snapshot need not hold.
    this.loop.shrink();
  }

  /** `/health`, which is about to be answered. */
  onHealth(exchange: Exchange): void {
    if (!this.isBack(exchange)) return;
    this.onMoved();
    this.end();
  }

  /** `/init`, of somebody whose right is about to be found out: that may tell that this is another machine. */
  onInitCall(exchange: Exchange): void {
    this.latest = exchange.connection;
  }

  /**
   * `/init`, of somebody who may, which is about to be answered. `lifecycle`: the life of the guest that it is for, empty
   * where it does not say. `hasTime`: it has told the time.
   */
  onInit(exchange: Exchange, lifecycle: string, hasTime: boolean): void {
    const isBack = this.isBack(exchange);
    const isNew = lifecycle !== "" && this.lifecycle !== "" && lifecycle !== this.lifecycle;
    if (lifecycle !== "" && lifecycle !== this.lifecycle) {
      this.lifecycle = lifecycle;
      this.state?.set(LIFECYCLE, JsonValue.string(lifecycle));
    }
    if (isNew) this.onNewMachine();
    else if (isBack) this.server.resetUpTo(this.prepared, NONE);
    this.refresh(!hasTime);
    // Whoever has been connected since before the preparation does not end it.
    if (!this.isPending || isBack || isNew) this.end();
  }

  /** The guest is known to go on in another machine: what was connected before the latest `/init` is gone. */
  onNewMachine(): void {
    this.server.resetUpTo(Math.max(this.latest, this.isPending ? this.prepared : NONE), this.latest);
  }

  private rest(): void {
    this.isPending = true;
    this.prepared = Infinity;
    for (const work of this.works) work.stop();
    this.server.allowKeepAlive(false);
    this.loop.timers.start(this.giveUp, this.options.snapshotLimit);
  }

  private isBack(exchange: Exchange): boolean {
    return this.isPending && exchange.connection > this.prepared;
  }

  /** What a copy of a machine has to find out anew. */
  private refresh(readsClock: boolean): void {
    reseedRandom();
    if (this.options.isOutsideFirecracker) return;
    forgetNeighbours(DEVICE);
    if (readsClock) stepToHardware();
  }

  /** What was open goes on, unless this is another machine whose host had nothing to say. */
  private onNobody(): void {
    log(Level.WARN, "no host has called after the preparation for a snapshot");
    if (this.probe !== "") {
      this.metadata.check(this.probe, (isDead) => {
        if (isDead) this.onMoved();
      });
    }
    this.end();
  }

  /** This is another machine than that of the preparation; whoever has connected since may be of this one. */
  private onMoved(): void {
    this.server.resetUpTo(this.prepared, NONE);
    this.refresh(true);
  }

  private end(): void {
    if (this.isPending) {
      log(Level.INFO, "the preparation for a snapshot is over");
      this.state?.set(MEMBER, JsonValue.null());
    }
    this.isPending = false;
    this.loop.timers.cancel(this.giveUp);
    this.server.allowKeepAlive(true);
    for (const work of this.works) work.start();
  }
}
