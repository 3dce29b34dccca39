/** POST /snapshot/prepare; envd-http.md 5.5, lifecycle.md 5.4. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { launchFlush } from "../sys/flush.ts";
import type { Loop } from "../sys/loop.ts";
import { Chore } from "./chore.ts";
import { replyNothing } from "./reply.ts";
import type { Restore } from "./restore.ts";

/** How long the host waits for the file systems to be written out: it has 3 s in all. */
const FLUSH_MS = 2000;

export class PrepareHandler extends Handler {
  private readonly restore: Restore;
  private readonly flush: Chore;

  constructor(loop: Loop, exits: ExitWatcher, restore: Restore) {
    super();
    this.restore = restore;
    this.flush = new Chore(loop, exits, launchFlush);
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    exchange.receive(new Discard(() => this.prepare(exchange)));
  }

  private prepare(exchange: Exchange): void {
    this.restore.prepare();
    this.flush.run(FLUSH_MS, () => replyNothing(exchange));
  }
}
