/** The process that serves, under a supervisor which holds the listeners; lifecycle.md 1.13. */
import type { EnvdOptions } from "../envd/options.ts";
import { Temporaries } from "../smolvm/temporaries.ts";
import { Family, parseAddress } from "../sys/address.ts";
import { receiveMessage, sendMessage } from "../sys/channel.ts";
import { GroupTable } from "../sys/groups.ts";
import { Level, log } from "../sys/log.ts";
import { Loop, Ready, Source } from "../sys/loop.ts";
import { GROUPS_OFFSET, StateRecord } from "../sys/record.ts";
import { adoptDescriptor, setProcessName } from "../sys/self.ts";
import { Signal, SignalBit, SignalSource } from "../sys/signals.ts";
import { Listener } from "../sys/socket.ts";
import { LISTEN, PING, PONG } from "./messages.ts";
import { Serving } from "./serving.ts";

/** SIGTERM and SIGINT end an agent in order. */
export class StopSignals extends SignalSource {
  private readonly serving: Serving;
  private readonly isDraining: boolean;

  /** `isDraining`: what runs is let to its end, because an init ends it in its own time. */
  constructor(serving: Serving, isDraining: boolean) {
    super(SignalBit.TERM + SignalBit.INT);
    this.serving = serving;
    this.isDraining = isDraining;
  }

  override onSignal(signal: number): void {
    log(Level.DEBUG, `stopping: ${signal === Signal.TERM ? "SIGTERM" : "SIGINT"}`);
    if (this.isDraining) this.serving.drain();
    else this.serving.stop();
  }
}

/** The worker's end of the channel to its supervisor. */
class SupervisorChannel extends Source {
  private readonly serving: Serving;

  constructor(channel: number, serving: Serving) {
    super(channel);
    this.serving = serving;
  }

  override onReady(_ready: number): void {
    for (;;) {
      const message = receiveMessage(this.fd);
      if (message === undefined) return;
      // Nobody is there to restart or to stop this worker.
      if (message.text === "") return this.serving.stop();
      if (message.text === PING) sendMessage(this.fd, PONG, -1);
      else if (message.text.startsWith(LISTEN) && message.fd >= 0) this.listen(message.text.slice(LISTEN.length), message.fd);
      else log(Level.ERROR, `the supervisor says what this worker does not know: ${message.text}`);
    }
  }

  private listen(text: string, fd: number): void {
    const address = parseAddress(text);
    // An inherited descriptor may be a connection.
    this.serving.listen(address.family === Family.DESCRIPTOR ? Listener.inherit(address, fd) : Listener.adopt(address, fd));
  }
}

/**
 * Serves what the supervisor sends, until it is told to stop. `isInit`: the supervisor is PID 1. Returns the exit code.
 */
export function work(channel: number, recordFile: number, isInit: boolean, options: EnvdOptions): number {
  setProcessName("mote-worker");
  adoptDescriptor(channel);
  adoptDescriptor(recordFile);
  const loop = new Loop();
  const temporaries = new Temporaries(new StateRecord(recordFile));
  temporaries.removeStale();
  const serving = new Serving(loop, new GroupTable(recordFile, GROUPS_OFFSET), temporaries, options);
  loop.add(new StopSignals(serving, isInit), Ready.READABLE);
  loop.add(new SupervisorChannel(channel, serving), Ready.READABLE);
  loop.run();
  return 0;
}
