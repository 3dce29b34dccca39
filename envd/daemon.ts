/** The envd personality: what it knows, and its routes behind its layers. */
import { Router } from "../http/router.ts";
import { HttpServer } from "../http/server.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import type { Loop } from "../sys/loop.ts";
import { DownloadHandler } from "./download.ts";
import { FallbackHandler } from "./fallback.ts";
import { HealthHandler } from "./health.ts";
import { Restore } from "./restore.ts";
import { PrepareHandler } from "./snapshot.ts";

const IDLE_LIMIT_MS = 640_000;

export class Daemon {
  readonly server: HttpServer;

  /**
   * `exits` tells of children. `fileLimit`: descriptors that connections may take. `idleLimit`: milliseconds that they
   * may make no progress, 0 for the usual time. `onDone` is called when nothing is left to serve.
   */
  constructor(loop: Loop, exits: ExitWatcher, fileLimit: number, idleLimit: number, onDone: () => void) {
    const router = new Router(new FallbackHandler());
    this.server = new HttpServer(loop, router, idleLimit > 0 ? idleLimit : IDLE_LIMIT_MS, fileLimit, onDone);
    const restore = new Restore(loop, this.server);
    router.add("GET", "/health", new HealthHandler(restore));
    router.add("POST", "/snapshot/prepare", new PrepareHandler(loop, exits, restore));
    router.add("GET", "/files", new DownloadHandler());
  }
}
