/** The outermost layer: any page may use the daemon, errors included, and every response has its one Vary; envd-http.md 2.3. */
import { corsHeaders, isPreflight, preflightHeaders } from "../http/cors.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { replyEmpty } from "./reply.ts";

const EXPOSED =
  "Location, Cache-Control, Content-Encoding, X-Content-Type-Options, Connect-Content-Encoding, Connect-Protocol-Version, " +
  "Grpc-Encoding, Grpc-Message, Grpc-Status, Grpc-Status-Details-Bin";

export class CorsLayer extends Handler {
  private readonly inner: Handler;

  constructor(inner: Handler) {
    super();
    this.inner = inner;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    const method = request.method;
    const origin = request.field("origin") ?? "";
    const asked = request.field("access-control-request-method") ?? "";
    if (isPreflight(method, asked)) {
      exchange.fields += preflightHeaders(origin, asked, request.field("access-control-request-headers") ?? "");
      return replyEmpty(exchange, Status.NO_CONTENT);
    }
    const isDownload = request.path === "/files" && (method === "GET" || exchange.isHead);
    exchange.fields += corsHeaders(origin, method, isDownload ? "Accept-Encoding" : "", EXPOSED);
    this.inner.handle(exchange, request);
  }
}
