/** GET /health; envd-http.md 5.1. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { encodeText } from "../sys/bytes.ts";
import type { Restore } from "./restore.ts";
import { ENVD_VERSION } from "./version.ts";

const UNCACHED = "Cache-Control: no-store\r\n";
const FIELDS = `Content-Type: application/json\r\n${UNCACHED}`;
const BODY = encodeText(`{"version":"${ENVD_VERSION}"}`);

export class HealthHandler extends Handler {
  private readonly restore: Restore;
  private readonly isEmpty: boolean;

  /** `isEmpty`: it is answered with 204, as E2B's orchestrator wants it. */
  constructor(restore: Restore, isEmpty: boolean) {
    super();
    this.restore = restore;
    this.isEmpty = isEmpty;
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    this.restore.onHealth(exchange);
    exchange.fields += this.isEmpty ? UNCACHED : FIELDS;
    exchange.respond(this.isEmpty ? Status.NO_CONTENT : Status.OK, BODY);
  }
}
