/** The types of messages take as much memory as all else of an idle daemon: they are given up where nobody is connected. */
import type { Service } from "../connect/service.ts";
import type { HttpServer } from "../http/server.ts";
import { Idler } from "../sys/loop.ts";

export class TypesAtRest extends Idler {
  private readonly service: Service;
  private readonly server: HttpServer;

  constructor(service: Service, server: HttpServer) {
    super();
    this.service = service;
    this.server = server;
  }

  override onIdle(): void {
    if (this.server.isAlone) this.service.forgetTypes();
  }
}
