/** While an access token is set, only those who have it come further; envd-http.md 3.2. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { encodeText } from "../sys/bytes.ts";
import type { AccessToken } from "./access-token.ts";
import { replyError } from "./reply.ts";

/** What decides for itself whom it lets in. */
const EXEMPT = " GET /health HEAD /health GET /files HEAD /files POST /files POST /init POST /snapshot/prepare ";
const REFUSAL = "unauthorized access, please provide a valid access token or method signing if supported";

export class TokenLayer extends Handler {
  private readonly token: AccessToken;
  private readonly inner: Handler;

  constructor(token: AccessToken, inner: Handler) {
    super();
    this.token = token;
    this.inner = inner;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    if (this.token.isSet && !isExempt(request) && !this.token.matches(encodeText(request.field("x-access-token") ?? ""))) {
      return replyError(exchange, Status.UNAUTHORIZED, REFUSAL);
    }
    this.inner.handle(exchange, request);
  }
}

function isExempt(request: RequestHead): boolean {
  // Neither a method nor a path has a space in it.
  return EXEMPT.includes(` ${request.method} ${request.path} `);
}
