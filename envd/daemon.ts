/** The envd personality: what it knows, and its routes behind its layers. */
import { Router } from "../http/router.ts";
import { HttpServer } from "../http/server.ts";
import type { Loop } from "../sys/loop.ts";
import { FallbackHandler } from "./fallback.ts";
import { HealthHandler } from "./health.ts";

const IDLE_LIMIT_MS = 640_000;

export class Daemon {
  readonly server: HttpServer;

  /** `fileLimit`: descriptors that connections may take. `onDone` is called when nothing is left to serve. */
  constructor(loop: Loop, fileLimit: number, onDone: () => void) {
    const router = new Router(new FallbackHandler());
    router.add("GET", "/health", new HealthHandler());
    router.add("GET", "/t", new T());
    router.add("POST", "/t", new T2());
    this.server = new HttpServer(loop, router, IDLE_LIMIT_MS, fileLimit, onDone);
  }
}

import { Discard } from "../http/discard.ts";
import { FileWriter } from "../http/file-writer.ts";
import { Handler } from "../http/handler.ts";
import type { Exchange } from "../http/exchange.ts";
import type { RequestHead } from "../http/head.ts";
import { openForReading, fstat } from "../sys/file.ts";
class T extends Handler {
  override handle(exchange: Exchange, request: RequestHead): void {
    const fd = openForReading(request.query);
    const size = fstat(fd).size;
    exchange.begin(200, size);
    new FileWriter(exchange, fd, 0, size).start();
  }
}
class T2 extends Handler {
  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.receive(new Discard(() => exchange.respond(200, new Uint8Array(3))));
  }
}
