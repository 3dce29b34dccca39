/** Routes: paths that match exactly, each with the methods that it has; RFC 9110 section 9. */
import type { Exchange } from "./exchange.ts";
import { Handler } from "./handler.ts";
import type { RequestHead } from "./head.ts";
import { Status } from "./status.ts";

const NONE = new Uint8Array(0);

class Route {
  readonly method: string;
  readonly path: string;
  readonly handler: Handler;

  constructor(method: string, path: string, handler: Handler) {
    this.method = method;
    this.path = path;
    this.handler = handler;
  }
}

export class Router extends Handler {
  private readonly routes: Route[] = [];
  private readonly fallback: Handler;

  /** `fallback` handles paths that have no route. */
  constructor(fallback: Handler) {
    super();
    this.fallback = fallback;
  }

  /** Adds a route. One for GET serves HEAD, too. */
  add(method: string, path: string, handler: Handler): void {
    this.routes.push(new Route(method, path, handler));
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    const path = request.path;
    const method = exchange.isHead ? "GET" : request.method;
    let allowed = "";
    for (const route of this.routes) {
      if (route.path !== path) continue;
      if (route.method === method) return route.handler.handle(exchange, request);
      allowed += `${allowed === "" ? "" : ", "}${route.method === "GET" ? "GET, HEAD" : route.method}`;
    }
    if (allowed === "") return this.fallback.handle(exchange, request);
    exchange.addField("Allow", allowed);
    exchange.respond(Status.METHOD_NOT_ALLOWED, NONE);
  }
}
