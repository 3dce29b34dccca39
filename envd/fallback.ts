/** Paths that nothing serves; envd-http.md 2.4. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { replyText } from "./reply.ts";

export class FallbackHandler extends Handler {
  override handle(exchange: Exchange, _request: RequestHead): void {
    replyText(exchange, Status.NOT_FOUND, "404 page not found\n");
  }
}
