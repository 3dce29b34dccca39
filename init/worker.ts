/** The process that serves, under a supervisor which holds the listeners; lifecycle.md 1.13. */
import type { EnvdOptions } from "../envd/options.ts";
import { State } from "../json/state.ts";
import { Temporaries } from "../json/temporaries.ts";
import { Family, parseAddress } from "../sys/address.ts";
import type { Message } from "../sys/channel.ts";
import { GroupTable } from "../sys/groups.ts";
import { Level, log } from "../sys/log.ts";
import { Loop, Ready } from "../sys/loop.ts";
import { GROUPS_OFFSET, StateRecord } from "../sys/record.ts";
import { adoptDescriptor, setProcessName } from "../sys/self.ts";
import { Signal, SignalBit, SignalSource } from "../sys/signals.ts";
import { Listener } from "../sys/socket.ts";
import { Keeper } from "../envd/process/keeper.ts";
import { ChannelEnd } from "./channel-end.ts";
import { AGAIN, DROP, EXITED, KEEP, KEPT, LISTEN, PING, PONG } from "./messages.ts";
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
class SupervisorChannel extends ChannelEnd {
  serving: Serving | undefined;

  override onMessage(message: Message): void {
    const { text, fds } = message;
    const serving = this.serving;
    if (serving === undefined || text === PING) return this.say(PONG, []);
    const first = fds.at(0) ?? -1;
    if (text.startsWith(LISTEN) && first >= 0) listen(serving, text.slice(LISTEN.length), first);
    else if (text.startsWith(KEPT)) serving.adopt(text.slice(KEPT.length), fds);
    else if (text.startsWith(EXITED)) {
      const words = text.slice(EXITED.length).split(" ");
      serving.onExited(Number(words.at(0)), Number(words.at(1)));
    } else if (text === AGAIN) serving.keepAgain();
    else log(Level.ERROR, `the supervisor says what this worker does not know: ${text}`);
  }

  /** Nobody is there to restart or to stop this worker. */
  override onEnd(): void {
    this.loop.remove(this);
    this.serving?.stop();
  }
}

function listen(serving: Serving, text: string, fd: number): void {
  const address = parseAddress(text);
  // An inherited descriptor may be a connection.
  serving.listen(address.family === Family.DESCRIPTOR ? Listener.inherit(address, fd) : Listener.adopt(address, fd));
}

/** Has the supervisor keep what is to outlive this worker. */
class ChannelKeeper extends Keeper {
  private readonly channel: SupervisorChannel;

  /** `tellsExits`: it is told how processes end that are no children of this one. */
  constructor(channel: SupervisorChannel, tellsExits: boolean, state: State, temporaries: Temporaries) {
    super(tellsExits, state, temporaries);
    this.channel = channel;
  }

  override keep(text: string, fds: number[]): void {
    this.channel.say(KEEP + text, fds);
  }

  override drop(key: string): void {
    this.channel.say(DROP + key, []);
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
  const state = new State(new StateRecord(recordFile));
  const temporaries = new Temporaries(state);
  temporaries.removeStale();
  const ears = new SupervisorChannel(loop, channel);
  const keeper = new ChannelKeeper(ears, isInit, state, temporaries);
  const serving = new Serving(loop, new GroupTable(recordFile, GROUPS_OFFSET), temporaries, options, keeper);
  ears.serving = serving;
  loop.add(new StopSignals(serving, isInit), Ready.READABLE);
  loop.run();
  return 0;
}
