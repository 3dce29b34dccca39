/** POST /fsfreeze and /fsthaw: stopping writes to the root file system; envd-http.md 5.9. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { errnoText } from "../sys/errno.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import type { Loop } from "../sys/loop.ts";
import { Chore } from "./chore.ts";
import { replyError, replyNothing } from "./reply.ts";

export class FileSystemFreezeHandler extends Handler {
  private readonly chore: Chore;

  /** `launch` starts the child that freezes or thaws. The kernel has one of both wait for the other. */
  constructor(loop: Loop, exits: ExitWatcher, launch: () => number) {
    super();
    this.chore = new Chore(loop, exits, launch);
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    // Without a limit, and whoever asked may leave: it is done all the same.
    exchange.receive(new Discard(() => this.chore.run(Infinity, (status) => reply(exchange, status))));
  }
}

function reply(exchange: Exchange, status: number): void {
  if (status === 0) return replyNothing(exchange);
  const reason = status > 0 ? errnoText(status) : `killed by signal ${-status}`;
  replyError(exchange, Status.INTERNAL_ERROR, `root file system: ${reason}`);
}
