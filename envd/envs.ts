/** GET /envs; envd-http.md 5.3. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { objectOf } from "../json/texts.ts";
import type { Environment } from "./environment.ts";
import { replyJson } from "./reply.ts";

export class EnvsHandler extends Handler {
  private readonly environment: Environment;

  constructor(environment: Environment) {
    super();
    this.environment = environment;
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    replyJson(exchange, objectOf(this.environment.all()));
  }
}
