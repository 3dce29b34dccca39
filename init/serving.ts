/** What this process serves: the servers behind its listeners, started and ended together. */
import { Daemon } from "../envd/daemon.ts";
import { Server } from "../smolvm/server.ts";
import type { Temporaries } from "../smolvm/temporaries.ts";
import { ExitWatcher } from "../sys/exit.ts";
import type { GroupTable } from "../sys/groups.ts";
import { raiseFileLimit } from "../sys/limits.ts";
import type { Loop } from "../sys/loop.ts";
import type { Listener } from "../sys/socket.ts";

/** The service of an address at which envd's protocol is served; others serve SmolVM's. */
export const ENVD = "envd";

export class Serving {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly smolvm: Server;
  private readonly fileLimit: number;
  private readonly idleLimit: number;
  /** Made when its first listener comes: who does not use it does not pay for it. */
  private envd: Daemon | undefined;

  /**
   * The loop stops when nothing is left to serve. `idleLimit`: how long a connection of envd's protocol may make no
   * progress, in milliseconds; 0 for the usual time.
   */
  constructor(loop: Loop, groups: GroupTable, temporaries: Temporaries, idleLimit: number) {
    this.loop = loop;
    this.idleLimit = idleLimit;
    this.exits = new ExitWatcher(loop);
    this.fileLimit = raiseFileLimit();
    this.smolvm = new Server(loop, this.exits, groups, temporaries, this.fileLimit, () => this.stopIfDone());
  }

  /** Serves a listener, or an inherited connection, which is the server's from now on. */
  listen(listener: Listener): void {
    if (listener.address.service === ENVD) this.startEnvd().server.listen(listener);
    else this.smolvm.listen(listener);
  }

  /** Ends at once: every connection is dropped, with what it runs. */
  stop(): void {
    this.smolvm.stop();
    this.envd?.server.stop();
    this.loop.stop();
  }

  /** Takes no further request; what runs goes on to its end. */
  drain(): void {
    this.smolvm.drain();
    this.envd?.server.drain();
    this.stopIfDone();
  }

  private stopIfDone(): void {
    if (this.smolvm.isDone && this.envd?.server.isDone !== false) this.loop.stop();
  }

  private startEnvd(): Daemon {
    const limit = Math.floor(this.fileLimit / 2);
    const daemon = this.envd ?? new Daemon(this.loop, this.exits, limit, this.idleLimit, () => this.stopIfDone());
    this.envd = daemon;
    return daemon;
  }
}
