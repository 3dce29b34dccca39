/** The envd personality: what it knows, and its routes behind its layers; envd-http.md 2.2 and 2.4. */
import { Service } from "../connect/service.ts";
import { Router } from "../http/router.ts";
import { HttpServer } from "../http/server.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { launchFreeze, launchThaw } from "../sys/fsfreeze.ts";
import type { Loop } from "../sys/loop.ts";
import { Background } from "./background.ts";
import { BasicLayer } from "./basic-layer.ts";
import { startBootCommand } from "./boot-command.ts";
import { CollapseHandler } from "./collapse.ts";
import { ComposeHandler } from "./compose.ts";
import { CorsLayer } from "./cors-layer.ts";
import { DownloadHandler } from "./download.ts";
import { EnvsHandler } from "./envs.ts";
import { FallbackHandler } from "./fallback.ts";
import { FileGate } from "./file-request.ts";
import { AGENT_FIELD } from "./filesystem/legacy.ts";
import { filesystemMethods } from "./filesystem/methods.ts";
import { FreezeHandler, UnfreezeHandler } from "./freeze.ts";
import { Freezer } from "./freezer.ts";
import { FileSystemFreezeHandler } from "./fsfreeze.ts";
import { HealthHandler } from "./health.ts";
import { InitHandler } from "./init.ts";
import { KEEPALIVE_FIELD } from "./keepalive.ts";
import { AFTER_INIT_MS, Metadata } from "./metadata.ts";
import { MetricsHandler } from "./metrics.ts";
import type { EnvdOptions } from "./options.ts";
import { Ports } from "./ports/ports.ts";
import type { Keeper } from "./process/keeper.ts";
import { processMethods } from "./process/methods.ts";
import { ProcessTable } from "./process/table.ts";
import { Restore } from "./restore.ts";
import { makeRunDirectories } from "./run-directories.ts";
import { Setup } from "./setup.ts";
import { PrepareHandler } from "./snapshot.ts";
import { TokenLayer } from "./token-layer.ts";
import { TypesAtRest } from "./types-at-rest.ts";
import { UploadHandler } from "./upload.ts";
import { WorkloadGroups } from "./workload-groups.ts";

const IDLE_LIMIT_MS = 640_000;

export class Daemon {
  readonly server: HttpServer;
  readonly processes: ProcessTable;
  readonly freezer: Freezer;
  private readonly metadata: Metadata;

  /**
   * `exits` tells of children. `fileLimit`: descriptors that connections may take. `onDone` is called when nothing is left
   * to serve. `keeper` keeps what is to outlive this process, where somebody does. `inodes` are those of the listeners that
   * this agent has, then and later.
   */
  constructor(
    loop: Loop, exits: ExitWatcher, fileLimit: number, options: EnvdOptions, keeper: Keeper | undefined,
    inodes: readonly number[], onDone: () => void,
  ) {
    const isMicroVm = !options.isOutsideFirecracker;
    const setup = new Setup(loop, exits, isMicroVm, keeper?.state);
    const { token, defaults } = setup;
    defaults.environment.setInternal("WRENN_SANDBOX", `${isMicroVm}`);
    defaults.environment.setInternal("E2B_SANDBOX", `${isMicroVm}`);
    makeRunDirectories(isMicroVm);
    this.metadata = new Metadata(loop, exits, defaults.environment, options.metadata);
    const groups = new WorkloadGroups(options);
    const table = new ProcessTable(loop, exits, groups, keeper);
    this.processes = table;
    const methods = processMethods(table, defaults).concat(filesystemMethods(loop, defaults));
    const service = new Service(loop, methods, [KEEPALIVE_FIELD, AGENT_FIELD]);
    const router = new Router(new FallbackHandler(service));
    const layers = new CorsLayer(new TokenLayer(token, new BasicLayer(router, service)));
    this.server = new HttpServer(loop, layers, options.idleLimit > 0 ? options.idleLimit : IDLE_LIMIT_MS, fileLimit, onDone);
    loop.addIdler(new TypesAtRest(service, this.server));
    const { metadata } = this;
    const restore = new Restore(loop, this.server, metadata, keeper?.state, options);
    metadata.onMoved = () => restore.onNewMachine();
    restore.add(new Background(() => metadata.start(AFTER_INIT_MS), () => metadata.cancel()));
    if (options.forward === "on") {
      const ports = new Ports(loop, this.server.buffers, options.forwardAddress, inodes);
      restore.add(new Background(() => ports.start(), () => ports.stop()));
      ports.start();
    }
    const freezer = new Freezer(loop, groups, keeper?.state, options.thawAfter);
    this.freezer = freezer;
    router.add("GET", "/health", new HealthHandler(restore, options.hasEmptyHealth));
    router.add("GET", "/metrics", new MetricsHandler());
    router.add("GET", "/envs", new EnvsHandler(defaults.environment));
    router.add("POST", "/init", new InitHandler(setup, metadata, restore, freezer));
    router.add("POST", "/snapshot/prepare", new PrepareHandler(loop, exits, restore, options.refusesOwnPrepare));
    router.add("POST", "/freeze", new FreezeHandler(loop, freezer));
    router.add("POST", "/unfreeze", new UnfreezeHandler(freezer));
    router.add("POST", "/fsfreeze", new FileSystemFreezeHandler(loop, exits, () => launchFreeze(freezer.limit)));
    router.add("POST", "/fsthaw", new FileSystemFreezeHandler(loop, exits, launchThaw));
    router.add("POST", "/collapse", new CollapseHandler());
    const gate = new FileGate(token, defaults);
    router.add("GET", "/files", new DownloadHandler(gate));
    router.add("POST", "/files", new UploadHandler(loop, gate));
    router.add("POST", "/files/compose", new ComposeHandler(loop, gate, keeper?.temporaries));
    if (options.command !== "") startBootCommand(table, defaults, options.command);
    metadata.start(Infinity);
    restore.recall();
  }

  /** Takes no further request; what is being answered goes on to its end. */
  drain(): void {
    this.metadata.cancel();
    this.server.drain();
  }
}
