/** Takes connections from listening sockets, and leaves the backlog alone while no more can be held. */
import type { Family } from "./address.ts";
import { Errno, errnoText } from "./errno.ts";
import { Level, log } from "./log.ts";
import { type Loop, Ready, Source } from "./loop.ts";
import { accept, type Listener } from "./socket.ts";
import { Timer } from "./timer.ts";

/** How long to leave the backlog alone when no descriptor or memory is left for another connection. */
const EXHAUSTED_PAUSE_MS = 100;

class ListenerSource extends Source {
  private readonly listener: Listener;
  private readonly acceptor: Acceptor;

  constructor(acceptor: Acceptor, listener: Listener) {
    super(listener.fd);
    this.acceptor = acceptor;
    this.listener = listener;
  }

  override onReady(_ready: number): void {
    this.acceptor.acceptFrom(this.listener);
  }

  /** Listens to the backlog, or leaves it alone. */
  setActive(isActive: boolean): void {
    if (!isActive) this.acceptor.loop.remove(this);
    else if (this.slot < 0) this.acceptor.loop.add(this, Ready.READABLE);
  }

  close(): void {
    this.setActive(false);
    this.listener.close();
  }
}

/** A server's part that takes its connections. */
export abstract class Acceptor {
  readonly loop: Loop;
  private sources: ListenerSource[] = [];
  private isActive = true;
  private readonly pause = new Timer(() => this.update());

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** A connection has come; its descriptor is the server's from now on. */
  abstract onConnection(fd: number, family: Family): void;

  /** Whether any listener is open. */
  get isListening(): boolean {
    return this.sources.length > 0;
  }

  /** Whether the backlogs are listened to. */
  get isAccepting(): boolean {
    return this.isActive;
  }

  /** Accepts from a listener, which is the acceptor's from now on. */
  acceptOn(listener: Listener): void {
    this.sources.push(new ListenerSource(this, listener));
    this.update();
  }

  /** Listens to the backlogs, or leaves them alone. */
  setAccepting(isAccepting: boolean): void {
    if (isAccepting === this.isActive) return;
    this.isActive = isAccepting;
    this.update();
  }

  /** Closes every listener. */
  closeListeners(): void {
    this.loop.timers.cancel(this.pause);
    for (const source of this.sources) source.close();
    this.sources = [];
  }

  /** Takes one connection from a backlog: the loop comes back for the next. */
  acceptFrom(listener: Listener): void {
    const fd = accept(listener.fd);
    if (fd >= 0) {
      this.onConnection(fd, listener.address.family);
      return;
    }
    if (fd === -Errno.EAGAIN || fd === -Errno.EINTR || fd === -Errno.ECONNABORTED) return;
    // The connection stays in the backlog, and would be reported again at once.
    log(Level.WARN, `${listener.address.text}: cannot accept: ${errnoText(-fd)}`);
    for (const source of this.sources) source.setActive(false);
    this.loop.timers.start(this.pause, EXHAUSTED_PAUSE_MS);
  }

  private update(): void {
    for (const source of this.sources) source.setActive(this.isActive);
  }
}
