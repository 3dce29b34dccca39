/** What serves requests. */
import type { Exchange } from "./exchange.ts";
import type { RequestHead } from "./head.ts";

export abstract class Handler {
  /**
   * Handles a request. The head is lent until this returns. The response comes now, or later from whoever reads the body
   * or holds the exchange; an error thrown here is answered with 500.
   */
  abstract handle(exchange: Exchange, request: RequestHead): void;
}
