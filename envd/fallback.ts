/** What has no route: procedures, and paths that nothing serves; envd-http.md 2.4, envd-rpc.md 2.2. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { Code } from "../connect/code.ts";
import { RpcError } from "../connect/error.ts";
import type { Service } from "../connect/service.ts";
import { isRootFrozen } from "../sys/fsfreeze.ts";
import { replyText } from "./reply.ts";

export class FallbackHandler extends Handler {
  private readonly service: Service;

  constructor(service: Service) {
    super();
    this.service = service;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    if (isProcedure(request.path)) {
      if (!isRootFrozen() || !isWrite(request.path)) return this.service.handle(exchange, request);
      return this.service.refuse(exchange, request, new RpcError(Code.UNAVAILABLE, "the root file system is frozen"));
    }
    replyText(exchange, Status.NOT_FOUND, "404 page not found\n");
  }
}

/** Whether a procedure changes the file system: while the root is frozen it would hold up all of the agent. */
function isWrite(path: string): boolean {
  return path.endsWith("/MakeDir") || path.endsWith("/Move") || path.endsWith("/Remove");
}

/** Whether somebody means one of our procedures, written right or not. */
function isProcedure(path: string): boolean {
  return path.includes("/process.") || path.includes("/filesystem.");
}
