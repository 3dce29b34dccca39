/** The process that serves, under a supervisor which holds the listeners; lifecycle.md 1.13. */
import { Server } from "../smolvm/server.ts";
import { Temporaries } from "../smolvm/temporaries.ts";
import { parseAddress } from "../sys/address.ts";
import { receiveMessage, sendMessage } from "../sys/channel.ts";
import { ExitWatcher } from "../sys/exit.ts";
import { GroupTable } from "../sys/groups.ts";
import { raiseFileLimit } from "../sys/limits.ts";
import { Level, log } from "../sys/log.ts";
import { Loop, Ready, Source } from "../sys/loop.ts";
import { GROUPS_OFFSET, StateRecord } from "../sys/record.ts";
import { adoptDescriptor, setProcessName } from "../sys/self.ts";
import { Signal, SignalBit, SignalSource } from "../sys/signals.ts";
import { Listener } from "../sys/socket.ts";
import { LISTEN, PING, PONG } from "./messages.ts";

/** SIGTERM and SIGINT end an agent in order. */
export class StopSignals extends SignalSource {
  private readonly loop: Loop;
  private readonly server: Server;
  private readonly isDraining: boolean;

  /** `isDraining`: what runs is let to its end, because an init ends it in its own time. */
  constructor(loop: Loop, server: Server, isDraining: boolean) {
    super(SignalBit.TERM + SignalBit.INT);
    this.loop = loop;
    this.server = server;
    this.isDraining = isDraining;
  }

  override onSignal(signal: number): void {
    log(Level.DEBUG, `stopping: ${signal === Signal.TERM ? "SIGTERM" : "SIGINT"}`);
    if (this.isDraining) return this.server.drain();
    this.server.stop();
    this.loop.stop();
  }
}

/** The worker's end of the channel to its supervisor. */
class SupervisorChannel extends Source {
  private readonly loop: Loop;
  private readonly server: Server;

  constructor(channel: number, loop: Loop, server: Server) {
    super(channel);
    this.loop = loop;
    this.server = server;
  }

  override onReady(_ready: number): void {
    for (;;) {
      const message = receiveMessage(this.fd);
      if (message === undefined) return;
      if (message.text === "") return this.onGone();
      if (message.text === PING) this.answer();
      else if (message.text.startsWith(LISTEN) && message.fd >= 0) this.listen(message.text.slice(LISTEN.length), message.fd);
      else log(Level.ERROR, `the supervisor says what this worker does not know: ${message.text}`);
    }
  }

  private answer(): void {
    sendMessage(this.fd, PONG, -1);
    // Answering has brought pages back that an idle worker does without.
    this.server.rest();
  }

  private listen(text: string, fd: number): void {
    const address = parseAddress(text);
    // An inherited descriptor may be a connection.
    this.server.listen(text.startsWith("fd:") ? Listener.inherit(address, fd) : Listener.adopt(address, fd));
  }

  /** Nobody is there to restart or to stop this worker. */
  private onGone(): void {
    this.server.stop();
    this.loop.stop();
  }
}

/** Serves what the supervisor sends, until it is told to stop. `isInit`: the supervisor is PID 1. Returns the exit code. */
export function work(channel: number, recordFile: number, isInit: boolean): number {
  setProcessName("mote-worker");
  adoptDescriptor(channel);
  adoptDescriptor(recordFile);
  const loop = new Loop();
  const temporaries = new Temporaries(new StateRecord(recordFile));
  temporaries.removeStale();
  const groups = new GroupTable(recordFile, GROUPS_OFFSET);
  const server = new Server(loop, new ExitWatcher(loop), groups, temporaries, raiseFileLimit());
  loop.add(new StopSignals(loop, server, isInit), Ready.READABLE);
  loop.add(new SupervisorChannel(channel, loop, server), Ready.READABLE);
  loop.run();
  return 0;
}
