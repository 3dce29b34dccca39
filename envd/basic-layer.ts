/** Whom a request is made as, where Basic credentials name somebody; envd-http.md 3.4, RFC 7617. */
import { Code } from "../connect/code.ts";
import { RpcError } from "../connect/error.ts";
import type { Service } from "../connect/service.ts";
import { Ascii, isWord } from "../http/ascii.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { decodeBase64 } from "../sys/base64.ts";
import { decodeText, encodeText } from "../sys/bytes.ts";
import { indexOfByte } from "../sys/search.ts";
import { findUser } from "./users.ts";

const SCHEME = "basic ";
/** Longer credentials are none: decoding them would hold up others. */
const MAX_CHARACTERS = 65_536;

export class BasicLayer extends Handler {
  private readonly inner: Handler;
  private readonly service: Service;

  /** `service` knows how to refuse what asks in one of its protocols. */
  constructor(inner: Handler, service: Service) {
    super();
    this.inner = inner;
    this.service = service;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    const credentials = request.field("authorization");
    const name = credentials === undefined ? undefined : usernameIn(credentials);
    if (name !== undefined && findUser(name) === undefined) {
      return this.service.refuse(exchange, request, new RpcError(Code.UNAUTHENTICATED, `invalid username: '${name}'`));
    }
    exchange.user = name ?? "";
    this.inner.handle(exchange, request);
  }
}

/** The name in Basic credentials, whose password nobody asks for; undefined where they are none. */
function usernameIn(credentials: string): string | undefined {
  if (credentials.length > MAX_CHARACTERS) return undefined;
  const bytes = encodeText(credentials);
  if (bytes.length < SCHEME.length || !isWord(bytes, 0, SCHEME.length, SCHEME)) return undefined;
  const pair = decodeBase64(credentials.slice(SCHEME.length));
  const colon = pair === undefined ? -1 : indexOfByte(pair, 0, pair.length, Ascii.colon);
  return pair === undefined || colon < 0 ? undefined : decodeText(pair, 0, colon);
}
