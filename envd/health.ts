/** GET /health; envd-http.md 5.1. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { encodeText } from "../sys/bytes.ts";
import { ENVD_VERSION } from "./version.ts";

export class HealthHandler extends Handler {
  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Content-Type", "application/json");
    exchange.addField("Cache-Control", "no-store");
    exchange.respond(Status.OK, encodeText(`{"version":"${ENVD_VERSION}"}`));
  }
}
