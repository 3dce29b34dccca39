/** POST /collapse; envd-http.md 5.9. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { JsonValue } from "../json/value.ts";
import { replyJson } from "./reply.ts";

const FIELDS = ["regions", "chunks", "collapsed", "alreadyHuge", "skipped", "elapsedMs"];

/** Answers that nothing was collapsed: all memory of the agent together is less than one huge page. */
export class CollapseHandler extends Handler {
  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.receive(new Discard(() => reply(exchange)));
  }
}

function reply(exchange: Exchange): void {
  const result = JsonValue.object();
  for (const field of FIELDS) result.set(field, JsonValue.number(0));
  replyJson(exchange, result);
}
