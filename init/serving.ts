/** What this process serves: the servers behind its listeners, started and ended together. */
import { Server } from "../smolvm/server.ts";
import type { Temporaries } from "../smolvm/temporaries.ts";
import { ExitWatcher } from "../sys/exit.ts";
import type { GroupTable } from "../sys/groups.ts";
import { raiseFileLimit } from "../sys/limits.ts";
import type { Loop } from "../sys/loop.ts";
import type { Listener } from "../sys/socket.ts";

export class Serving {
  private readonly loop: Loop;
  private readonly smolvm: Server;

  /** The loop stops when nothing is left to serve. */
  constructor(loop: Loop, groups: GroupTable, temporaries: Temporaries) {
    this.loop = loop;
    const exits = new ExitWatcher(loop);
    this.smolvm = new Server(loop, exits, groups, temporaries, raiseFileLimit(), () => this.stopIfDone());
  }

  /** Serves a listener, or an inherited connection, which is the server's from now on. */
  listen(listener: Listener): void {
    this.smolvm.listen(listener);
  }

  /** Ends at once: every connection is dropped, with what it runs. */
  stop(): void {
    this.smolvm.stop();
    this.loop.stop();
  }

  /** Takes no further request; what runs goes on to its end. */
  drain(): void {
    this.smolvm.drain();
    this.stopIfDone();
  }

  private stopIfDone(): void {
    if (this.smolvm.isDone) this.loop.stop();
  }
}
