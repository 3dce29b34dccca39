/** POST /freeze and /unfreeze; envd-http.md 5.9. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Query } from "../http/query.ts";
import { BodyWriter } from "../http/roles.ts";
import { Status } from "../http/status.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { monotonicNow } from "../sys/clock.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import type { Freezer } from "./freezer.ts";
import { replyError, replyJson, replyNothing, replyText } from "./reply.ts";
import type { Sweep } from "./sweep.ts";

const POLL_MS = 2;
const MAX_WAIT_MS = 60_000;
const MAX_DIGITS = 15;
const PARAMETERS = ["mode", "maxCgroups", "maxWaitMs"];

export class FreezeHandler extends Handler {
  private readonly loop: Loop;
  private readonly freezer: Freezer;

  constructor(loop: Loop, freezer: Freezer) {
    super();
    this.loop = loop;
    this.freezer = freezer;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    const query = new Query(request.query);
    for (const name of PARAMETERS) {
      const isNumber = name !== "mode" && query.count(name) === 1;
      if (query.count(name) > 1 || (isNumber && Number.isNaN(numberOf(query, name)))) {
        return replyText(exchange, Status.BAD_REQUEST, `Invalid format for parameter ${name}: one integer is expected\n`);
      }
    }
    const isHierarchical = query.get("mode") === "hierarchy";
    const maxGroups = numberOf(query, "maxCgroups");
    const maxWait = Math.min(numberOf(query, "maxWaitMs"), MAX_WAIT_MS);
    exchange.addField("Cache-Control", "no-store");
    exchange.receive(new Discard(() => this.freeze(exchange, isHierarchical, maxGroups, maxWait)));
  }

  private freeze(exchange: Exchange, isHierarchical: boolean, maxGroups: number, maxWait: number): void {
    if (this.freezer.isBusy) return replyError(exchange, Status.UNAVAILABLE, "another freeze is waited for");
    const sweep = this.freezer.freeze(isHierarchical, maxGroups);
    if (maxWait > 0) return new FreezeWait(this.loop, exchange, sweep, maxWait).start();
    sweep.end();
    replyNothing(exchange);
  }
}

/** Waits until all is frozen that was asked for, or the time is up. */
class FreezeWait extends BodyWriter {
  private readonly loop: Loop;
  private readonly exchange: Exchange;
  private readonly sweep: Sweep;
  private readonly deadline: number;
  private readonly timer = new Timer(() => this.look());

  constructor(loop: Loop, exchange: Exchange, sweep: Sweep, maxWait: number) {
    super();
    this.loop = loop;
    this.exchange = exchange;
    this.sweep = sweep;
    this.deadline = monotonicNow() + maxWait;
  }

  start(): void {
    this.exchange.endsWithPeer = true;
    this.exchange.hold(this);
    this.look();
  }

  override onWritable(): void {}

  override onPeerGone(): void {
    this.loop.timers.cancel(this.timer);
    this.sweep.end();
  }

  private look(): void {
    // A thaw ends the sweep, too.
    if (!this.sweep.isOver && !this.sweep.look() && monotonicNow() < this.deadline) {
      return this.loop.timers.start(this.timer, POLL_MS);
    }
    this.sweep.end();
    replyJson(this.exchange, this.sweep.toJson());
  }
}

export class UnfreezeHandler extends Handler {
  private readonly freezer: Freezer;

  constructor(freezer: Freezer) {
    super();
    this.freezer = freezer;
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    exchange.receive(new Discard(() => this.thaw(exchange)));
  }

  private thaw(exchange: Exchange): void {
    if (this.freezer.thaw()) replyNothing(exchange);
    else replyError(exchange, Status.INTERNAL_ERROR, "error thawing: not every group could be thawed");
  }
}

/** The integer that a parameter is, 0 where it is absent; NaN for anything else. */
function numberOf(query: Query, name: string): number {
  const text = query.get(name);
  if (text === undefined) return 0;
  const isSigned = text.startsWith("-") || text.startsWith("+");
  return consistsOf(isSigned ? text.slice(1) : text, DIGITS, MAX_DIGITS) ? Number(text) : Number.NaN;
}
