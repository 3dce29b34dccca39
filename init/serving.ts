/** What this process serves: the servers behind its listeners, started and ended together. */
import { Daemon } from "../envd/daemon.ts";
import type { EnvdOptions } from "../envd/options.ts";
import type { Keeper } from "../envd/process/keeper.ts";
import type { Temporaries } from "../json/temporaries.ts";
import { Server } from "../smolvm/server.ts";
import { ExitWatcher } from "../sys/exit.ts";
import type { GroupTable } from "../sys/groups.ts";
import { fstat } from "../sys/file.ts";
import { raiseFileLimit } from "../sys/limits.ts";
import type { Loop } from "../sys/loop.ts";
import type { Listener } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";

/** The service of an address at which envd's protocol is served; others serve SmolVM's. */
export const ENVD = "envd";
/** How long what is being answered may take to its end; milliseconds. */
export const DRAIN_LIMIT_MS = 10_000;

export class Serving {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly smolvm: Server;
  private readonly fileLimit: number;
  private readonly options: EnvdOptions;
  /** Made when its first listener comes: who does not use it does not pay for it. */
  private envd: Daemon | undefined;
  private readonly keeper: Keeper | undefined;
  /** Inodes of all listeners. */
  private readonly inodes: number[] = [];
  private isStopping = false;

  /** The loop stops when nothing is left to serve. `keeper` keeps what is to outlive this process. */
  constructor(loop: Loop, groups: GroupTable, temporaries: Temporaries, options: EnvdOptions, keeper: Keeper | undefined) {
    this.keeper = keeper;
    this.loop = loop;
    this.options = options;
    this.exits = new ExitWatcher(loop);
    this.fileLimit = raiseFileLimit();
    this.smolvm = new Server(loop, this.exits, groups, temporaries, this.fileLimit, () => this.stopIfDone());
  }

  /** Serves a listener, or an inherited connection, which is the server's from now on. */
  listen(listener: Listener): void {
    this.inodes.push(fstat(listener.fd).inode);
    if (listener.address.service === ENVD) this.startEnvd().server.listen(listener);
    else this.smolvm.listen(listener);
  }

  /** Takes over a process that a worker before this one has started. */
  adopt(text: string, fds: number[]): void {
    this.startEnvd().processes.adopt(text, fds);
  }

  /** A process that was taken over has ended. */
  onExited(pid: number, status: number): void {
    this.envd?.processes.onExited(pid, status);
  }

  /** What is kept for the next worker has been lost. */
  keepAgain(): void {
    this.envd?.processes.keepAll();
  }

  /**
   * Ends: every connection of SmolVM's is dropped, with what it runs. What envd answers has a while to end, unless this is
   * the second call.
   */
  stop(): void {
    this.smolvm.stop();
    // Nobody is left who would.
    this.envd?.freezer.end();
    if (this.isStopping) return this.stopNow();
    this.isStopping = true;
    this.loop.timers.start(new Timer(() => this.stopNow()), DRAIN_LIMIT_MS);
    this.envd?.drain();
    this.stopIfDone();
  }

  private stopNow(): void {
    this.envd?.server.stop();
    this.loop.stop();
  }

  /** Takes no further request; what runs goes on to its end. */
  drain(): void {
    this.smolvm.drain();
    this.envd?.drain();
    this.stopIfDone();
  }

  private stopIfDone(): void {
    if (this.smolvm.isDone && this.envd?.server.isDone !== false) this.loop.stop();
  }

  private startEnvd(): Daemon {
    const { loop, exits, options, keeper, inodes } = this;
    const limit = Math.floor(this.fileLimit / 2);
    const daemon = this.envd ?? new Daemon(loop, exits, limit, options, keeper, inodes, () => this.stopIfDone());
    this.envd = daemon;
    return daemon;
  }
}
