/**
 * Between the word that a snapshot comes and the first call of the host behind it; envd-http.md 5.5. What is to rest
 * meanwhile is stopped in `prepare` and started in `end`.
 */
import type { Exchange } from "../http/exchange.ts";
import type { HttpServer } from "../http/server.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import type { Ports } from "./ports/ports.ts";

/** How long no host may call before the snapshot counts as one that was not taken; milliseconds that the guest ran. */
const GIVE_UP_MS = 60_000;

export class Restore {
  private readonly loop: Loop;
  private readonly server: HttpServer;
  private readonly giveUp = new Timer(() => this.onNobody());
  private readonly ports: Ports | undefined;
  private isPending = false;

  constructor(loop: Loop, server: HttpServer, ports: Ports | undefined) {
    this.loop = loop;
    this.server = server;
    this.ports = ports;
  }

  /** A snapshot comes. May be repeated. */
  prepare(): void {
    this.isPending = true;
    this.ports?.stop();
    this.server.allowKeepAlive(false);
    this.server.closeIdle();
    this.server.remember();
    this.loop.timers.start(this.giveUp, GIVE_UP_MS);
  }

  /** The host has called, with a request that is about to be answered: connections from before it are gone for their peers. */
  onHostBack(exchange: Exchange): void {
    if (!this.isPending) return;
    log(Level.DEBUG, "the host is back after a snapshot");
    this.server.closeRemembered(exchange);
    this.end();
  }

  /** What runs beside the requests starts again where it had to stop, and looks around at once where it runs. */
  refresh(): void {
    if (!this.isPending) this.ports?.start();
  }

  /** Nothing has become of it: what was open goes on. */
  private onNobody(): void {
    log(Level.WARN, "no host has called after the preparation for a snapshot");
    this.server.forget();
    this.end();
  }

  private end(): void {
    this.isPending = false;
    this.loop.timers.cancel(this.giveUp);
    this.server.allowKeepAlive(true);
    this.ports?.start();
  }
}
