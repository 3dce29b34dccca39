/** Paths that nothing serves; envd-http.md 2.4. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import type { Service } from "../connect/service.ts";
import { replyText } from "./reply.ts";

export class FallbackHandler extends Handler {
  private readonly service: Service;

  constructor(service: Service) {
    super();
    this.service = service;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    if (request.path.startsWith("/process.")) return this.service.handle(exchange, request);
    replyText(exchange, Status.NOT_FOUND, "404 page not found\n");
  }
}
