/** POST /snapshot/prepare; envd-http.md 5.5, lifecycle.md 5.4. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { launchFlush } from "../sys/flush.ts";
import type { Loop } from "../sys/loop.ts";
import { Chore } from "./chore.ts";
import { replyError, replyNothing } from "./reply.ts";
import type { Restore } from "./restore.ts";

/** How long the host waits for the file systems to be written out: it is to have its answer after 2 s. */
const FLUSH_MS = 1500;

export class PrepareHandler extends Handler {
  private readonly restore: Restore;
  private readonly flush: Chore;
  private readonly refusesOwn: boolean;

  /** `refusesOwn`: programs of the guest's own may not ask for it. */
  constructor(loop: Loop, exits: ExitWatcher, restore: Restore, refusesOwn: boolean) {
    super();
    this.restore = restore;
    this.refusesOwn = refusesOwn;
    this.flush = new Chore(loop, exits, launchFlush);
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    if (this.refusesOwn && exchange.isPeerLocal) return replyError(exchange, Status.FORBIDDEN, "a snapshot is the host's to prepare");
    exchange.receive(new Discard(() => this.prepare(exchange)));
  }

  private prepare(exchange: Exchange): void {
    this.restore.prepare();
    this.flush.run(FLUSH_MS, () => {
      this.restore.onPrepared();
      replyNothing(exchange);
    });
  }
}
