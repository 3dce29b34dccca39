/** GET /health; envd-http.md 5.1. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { encodeText } from "../sys/bytes.ts";
import type { Restore } from "./restore.ts";
import { ENVD_VERSION } from "./version.ts";

const FIELDS = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
const BODY = encodeText(`{"version":"${ENVD_VERSION}"}`);

export class HealthHandler extends Handler {
  private readonly restore: Restore;

  constructor(restore: Restore) {
    super();
    this.restore = restore;
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    this.restore.onHostBack(exchange);
    exchange.fields += FIELDS;
    exchange.respond(Status.OK, BODY);
  }
}
