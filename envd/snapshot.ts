/** POST /snapshot/prepare; envd-http.md 5.5. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { replyNothing } from "./reply.ts";

export class PrepareHandler extends Handler {
  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    exchange.receive(new Discard(() => replyNothing(exchange)));
  }
}
